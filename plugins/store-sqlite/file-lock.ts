import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { MeshError } from "../../core/kernel/errors.ts";
import { calledAs } from "../../core/kernel/runtime.ts";
import { type SqliteConnection, type SqliteDriver, SqliteFailure } from "./sqlite-driver.ts";

/** The system's locks do not keep a process from itself; keys are device and inode of the lock files that are held here. */
const heldHere = new Set<string>();

interface Holder {
  readonly pid: number;
  readonly program: string;
  readonly since: string;
}

/**
 * Makes this process the only one that serves the database; MM501 names who does. The lock is the operating system's,
 * taken through SQLite on an empty file beside the database: it ends with the process, however that ends, holds between
 * containers that share the directory, and cannot go stale. Who holds it stands in `PATH.holder`, for people only.
 */
export function openFileLock(driver: SqliteDriver, path: string, nowMs: number): Disposable {
  const lockFile = `${path}.lock`;
  const holderFile = `${path}.holder`;
  const inode = () => {
    const state = statSync(lockFile, { throwIfNoEntry: false });
    return state ? `${state.dev}:${state.ino}` : "";
  };
  if (heldHere.has(inode())) throw heldBy(path, ownHolder(nowMs));
  const connection = driver.open(lockFile, 0);
  try {
    takeLock(connection);
  } catch (error) {
    connection.close();
    if (error instanceof SqliteFailure && (error.result === "BUSY" || error.result === "LOCKED")) {
      throw heldBy(path, readHolder(holderFile));
    }
    throw error;
  }
  const held = inode();
  heldHere.add(held);
  writeHolder(holderFile, ownHolder(nowMs));
  return {
    [Symbol.dispose]() {
      removeHolder(holderFile);
      heldHere.delete(held);
      connection.close();
    },
  };
}

/** With its journal in memory the transaction leaves the file empty: nothing that a crash could spoil. */
function takeLock(connection: SqliteConnection): void {
  connection.exec("PRAGMA journal_mode = MEMORY; BEGIN IMMEDIATE");
}

function heldBy(path: string, holder: Holder | undefined): MeshError {
  const who = holder ? `${holder.program} (pid ${holder.pid}, since ${holder.since})` : "Another process";
  return new MeshError("MM501", "the store's database is in use", {
    where: path,
    why: `${who} holds it.`,
    todo: "Stop that one, or give this one a file of its own: store.sqlite.path.",
  });
}

/** Program and its verbs, without flags: their values can be secrets. */
function ownHolder(nowMs: number): Holder {
  const args = process.argv.slice(2);
  const flags = args.findIndex((arg) => arg.startsWith("-"));
  const verbs = flags < 0 ? args : args.slice(0, flags);
  return { pid: process.pid, program: [calledAs(), ...verbs].join(" "), since: new Date(nowMs).toISOString() };
}

/** It only informs, so a disk without room for it must not keep the store from opening. */
function writeHolder(file: string, holder: Holder): void {
  try {
    writeFileSync(file, `${JSON.stringify(holder)}\n`, { mode: 0o644 });
  } catch {
    removeHolder(file);
  }
}

/** On a disk that failed it stays; the lock is what counts. */
function removeHolder(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // Nothing is left to be done about it.
  }
}

function readHolder(file: string): Holder | undefined {
  try {
    const holder = JSON.parse(readFileSync(file, "utf8"));
    return typeof holder.pid === "number" ? holder : undefined;
  } catch {
    return undefined;
  }
}
