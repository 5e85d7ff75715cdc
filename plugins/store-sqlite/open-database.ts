import { existsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { MeshError } from "../../core/kernel/errors.ts";
import type { Logger } from "../../core/kernel/log.ts";
import { openConnection } from "./connection.ts";
import { openFileLock } from "./file-lock.ts";
import { applyMigrations } from "./migrate.ts";
import { createPrivateFile } from "./private-file.ts";
import { MIGRATIONS, type Migration } from "./schema.ts";
import type { SqliteConnection, SqliteDriver } from "./sqlite-driver.ts";
import { damaged, storeError } from "./sqlite-errors.ts";

/** Files up to this size (bytes) are checked at every start: it takes a few milliseconds. */
const CHEAP_TO_CHECK = 2_000_000;

export interface OpenedDatabase {
  /** For reads on the main thread. */
  readonly reader: SqliteConnection;
  readonly lock: Disposable;
}

export interface OpenDatabaseOptions {
  readonly path: string;
  readonly driver: SqliteDriver;
  readonly log: Logger;
  readonly nowMs: number;
  /** Tests give their own. */
  readonly migrations?: readonly Migration[] | undefined;
}

/**
 * Locks, checks and migrates the database, creating it if it does not exist. MM501 if another process has it, MM503 if
 * it cannot be opened or written, MM500 if it is damaged or not ours.
 */
export function openDatabase({ path, driver, log, nowMs, migrations }: OpenDatabaseOptions): OpenedDatabase {
  const directory = dirname(path);
  if (!existsSync(directory)) {
    throw new MeshError("MM503", "the directory of the store's database does not exist", {
      where: path,
      todo: `mkdir -p ${directory}`,
    });
  }
  let lock: Disposable | undefined;
  let reader: SqliteConnection | undefined;
  try {
    lock = openFileLock(driver, path, nowMs);
    // SQLite removes the write-ahead log at a clean end; one with content is left by a crash.
    const unclean = sizeOf(`${path}-wal`) > 0;
    const check = unclean || sizeOf(path) <= CHEAP_TO_CHECK;
    createPrivateFile(path);
    reader = openConnection(driver, path);
    if (check) checkIntegrity(reader, path);
    applyMigrations(reader, path, migrations ?? MIGRATIONS, log);
    reader.exec("PRAGMA query_only = ON");
    return { reader, lock };
  } catch (error) {
    reader?.close();
    lock?.[Symbol.dispose]();
    throw storeError(error, path);
  }
}

function checkIntegrity(connection: SqliteConnection, path: string): void {
  const finding = connection.prepare("PRAGMA quick_check(1)").get()?.["quick_check"];
  if (finding !== "ok") throw damaged(path, String(finding));
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
