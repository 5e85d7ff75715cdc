import { DatabaseSync, type StatementSync } from "node:sqlite";
import { type SqliteConnection, type SqliteDriver, SqliteFailure, type SqliteStatement } from "./sqlite-driver.ts";

/** Names of the primary result codes that the store tells apart (sqlite.org/rescode.html). */
const RESULTS: Readonly<Record<number, string>> = {
  5: "BUSY",
  6: "LOCKED",
  8: "READONLY",
  10: "IOERR",
  11: "CORRUPT",
  13: "FULL",
  14: "CANTOPEN",
  19: "CONSTRAINT",
  26: "NOTADB",
};

export function nodeSqliteDriver(): SqliteDriver {
  return { name: "node", open: (path, busyMs) => guarded(() => connect(new DatabaseSync(path, { timeout: busyMs }))) };
}

function connect(database: DatabaseSync): SqliteConnection {
  return {
    exec: (sql) => guarded(() => database.exec(sql)),
    prepare: (sql) => guarded(() => statement(database.prepare(sql))),
    get inTransaction() {
      return database.isTransaction;
    },
    close: () => guarded(() => database.close()),
  };
}

function statement(prepared: StatementSync): SqliteStatement {
  return {
    run: (...parameters) => guarded(() => prepared.run(...parameters) as { changes: number; lastInsertRowid: number }),
    get: (...parameters) => guarded(() => prepared.get(...parameters) as ReturnType<SqliteStatement["get"]>),
    all: (...parameters) => guarded(() => prepared.all(...parameters) as ReturnType<SqliteStatement["all"]>),
  };
}

function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    const code = (error as { errcode?: unknown }).errcode;
    if (typeof code !== "number") throw error;
    throw new SqliteFailure(RESULTS[code & 0xff] ?? "ERROR", (error as Error).message, error);
  }
}
