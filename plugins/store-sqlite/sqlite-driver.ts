import type { Logger } from "../../core/kernel/log.ts";

export type SqlValue = string | number | null;
export type SqlRow = Readonly<Record<string, SqlValue>>;

export interface SqliteStatement {
  run(...parameters: SqlValue[]): { readonly changes: number; readonly lastInsertRowid: number };
  get(...parameters: SqlValue[]): SqlRow | undefined;
  all(...parameters: SqlValue[]): SqlRow[];
}

export interface SqliteConnection {
  exec(sql: string): void;
  prepare(sql: string): SqliteStatement;
  /** Whether a transaction is open; SQLite itself ends it at some errors. */
  readonly inTransaction: boolean;
  close(): void;
}

/** One way to reach SQLite; what the store needs and no more. Throws `SqliteFailure`. */
export interface SqliteDriver {
  readonly name: SqliteDriverName;
  /** Opens or creates the file. `busyMs`: how long a statement waits for another program's lock. */
  open(path: string, busyMs: number): SqliteConnection;
}

export type SqliteDriverName = "better-sqlite3" | "node";

/** An error of SQLite with its primary result code, such as `FULL`, the same from every driver. */
export class SqliteFailure extends Error {
  readonly result: string;

  constructor(result: string, message: string, cause: unknown) {
    super(message, { cause });
    this.name = "SqliteFailure";
    this.result = result;
  }
}

export async function loadDriver(name: SqliteDriverName): Promise<SqliteDriver> {
  if (name === "node") return (await import("./node-sqlite-driver.ts")).nodeSqliteDriver();
  return (await import("./better-sqlite3-driver.ts")).betterSqlite3Driver();
}

/** better-sqlite3; where its addon cannot be loaded (a C library before glibc 2.34, say) Node's own SQLite, and a line about it. */
export async function chooseDriver(wanted: SqliteDriverName | undefined, log: Logger): Promise<SqliteDriver> {
  if (wanted) return loadDriver(wanted);
  try {
    return await loadDriver("better-sqlite3");
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    log.info("store", `better-sqlite3 cannot be loaded here; Node's own SQLite serves the store (${reason})`);
    return loadDriver("node");
  }
}
