import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { MeshError } from "../../core/kernel/errors.ts";
import { inspectDatabase } from "./inspect-database.ts";
import { createPrivateFile } from "./private-file.ts";
import type { SqliteDriver } from "./sqlite-driver.ts";
import { storeError } from "./sqlite-errors.ts";

/** How long a copy waits for whoever changes the file's layout just now. */
const BUSY_MS = 10_000;

export interface BackupOptions {
  readonly driver: SqliteDriver;
  /** The database; a control plane may be writing to it. */
  readonly path: string;
  /** Must not exist. */
  readonly to: string;
}

/**
 * Copies the database as of one moment, checks the copy, and only then gives it its name. MM105 for files that are not
 * as they must be, MM500 for a database that is damaged, MM503 for disks that fail.
 */
export function backupDatabase({ driver, path, to }: BackupOptions): {
  readonly revision: number;
  readonly bytes: number;
} {
  if (!existsSync(path)) {
    throw new MeshError("MM105", "there is no database to copy", {
      where: path,
      todo: "Where it is: general.workDir or store.sqlite.path, in the file after -c or as variables.",
    });
  }
  if (existsSync(to)) {
    throw new MeshError("MM105", "the file exists already; nothing was copied", { where: to, todo: "Name a new one." });
  }
  if (!existsSync(dirname(to))) {
    throw new MeshError("MM105", "the directory for the copy does not exist", {
      where: to,
      todo: `mkdir -p ${dirname(to)}`,
    });
  }
  const part = `${to}.part-${process.pid}`;
  try {
    createPrivateFile(part);
    copyTo(driver, path, part);
    const { revision } = inspectDatabase(driver, part);
    syncFile(part);
    renameSync(part, to);
    syncFile(dirname(to));
    return { revision, bytes: statSync(to).size };
  } finally {
    rmSync(part, { force: true });
  }
}

/** In one read transaction, so writers are neither waited for nor held up. */
function copyTo(driver: SqliteDriver, path: string, part: string): void {
  let connection: ReturnType<SqliteDriver["open"]> | undefined;
  try {
    connection = driver.open(path, BUSY_MS);
    connection.exec(`VACUUM INTO '${part.replaceAll("'", "''")}'`);
  } catch (error) {
    throw storeError(error, path);
  } finally {
    connection?.close();
  }
}

/** What was written to a file, or which names a directory has, is on the disk when this returns. */
export function syncFile(path: string): void {
  const file = openSync(path, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
