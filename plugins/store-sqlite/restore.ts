import { chmodSync, copyFileSync, existsSync, linkSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { MeshError } from "../../core/kernel/errors.ts";
import { syncFile } from "./backup.ts";
import { openConnection } from "./connection.ts";
import { openFileLock } from "./file-lock.ts";
import { inspectDatabase } from "./inspect-database.ts";
import type { SqliteDriver } from "./sqlite-driver.ts";
import { storeError } from "./sqlite-errors.ts";

export interface RestoreOptions {
  readonly driver: SqliteDriver;
  readonly path: string;
  readonly from: string;
  readonly nowMs: number;
}

export interface Restored {
  readonly revision: number;
  /** Where the database is that was there before; undefined if there was none. */
  readonly aside: string | undefined;
}

/**
 * Puts a copy of a database in the place of the one at `path`, which is kept aside. At every moment `path` is the whole old
 * or the whole new one. MM501 while a control plane has it, MM105 and MM500 for a copy that cannot be taken.
 */
export function restoreDatabase({ driver, path, from, nowMs }: RestoreOptions): Restored {
  if (!existsSync(from)) throw new MeshError("MM105", "the file to restore does not exist", { where: from });
  if ((statSync(`${from}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0) {
    throw new MeshError("MM105", "the file to restore is a database in use, or one that was not closed", {
      where: from,
      why: `A part of it is in ${from}-wal.`,
      todo: "Make a copy to restore with:  monomesh cp backup FILE",
    });
  }
  const fresh = `${path}.restoring`;
  let lock: Disposable | undefined;
  try {
    lock = openFileLock(driver, path, nowMs);
    copyFileSync(from, fresh);
    chmodSync(fresh, 0o600);
    // The copy is looked at, not the file: it is what will be used.
    const { revision } = inspectDatabase(driver, fresh);
    syncFile(fresh);
    const aside = existsSync(path) ? putAside(driver, path, nowMs) : undefined;
    renameSync(fresh, path);
    syncFile(dirname(path));
    return { revision, aside };
  } catch (error) {
    throw describeSource(storeError(error, path), fresh, from);
  } finally {
    for (const suffix of ["", "-wal", "-shm"]) rmSync(fresh + suffix, { force: true });
    lock?.[Symbol.dispose]();
  }
}

/** Gives the old database a second name; the first one goes to the new database in one step. */
function putAside(driver: SqliteDriver, path: string, nowMs: number): string {
  const stamp = new Date(nowMs).toISOString().replace(/\..*/, "").replaceAll(":", "-");
  let aside = `${path}.before-restore-${stamp}`;
  for (let again = 2; existsSync(aside); again++) aside = `${path}.before-restore-${stamp}-${again}`;
  try {
    // Takes over what is only in the write-ahead log, which must not stay beside another database.
    openConnection(driver, path).close();
  } catch {
    // Too damaged for that. All of it is kept, and the copy takes its place.
  }
  for (const suffix of ["-wal", "-shm"]) if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix);
  linkSync(path, aside);
  return aside;
}

/** People know the file by the name they gave, not by that of its copy. */
function describeSource(error: unknown, fresh: string, from: string): unknown {
  if (!(error instanceof MeshError) || error.where !== fresh) return error;
  const { code, message, why, cause } = error;
  return new MeshError(code, message, { where: from, why, cause, todo: "Nothing was changed. Restore another copy." });
}
