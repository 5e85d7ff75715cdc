import Database from "better-sqlite3";
import { isPackaged, loadAddon } from "../../core/kernel/runtime.ts";
import { type SqliteConnection, type SqliteDriver, SqliteFailure, type SqliteStatement } from "./sqlite-driver.ts";

/** Throws when the addon cannot be loaded on this system. */
export function betterSqlite3Driver(): SqliteDriver {
  const options = isPackaged() ? { nativeBinding: loadAddon("better_sqlite3", "better-sqlite3") as string } : {};
  new Database(":memory:", options).close();
  return {
    name: "better-sqlite3",
    open: (path, busyMs) => guarded(() => connect(new Database(path, { ...options, timeout: busyMs }))),
  };
}

function connect(database: Database.Database): SqliteConnection {
  return {
    exec: (sql) => guarded(() => void database.exec(sql)),
    prepare: (sql) => guarded(() => statement(database.prepare(sql))),
    get inTransaction() {
      return database.inTransaction;
    },
    close: () => guarded(() => void database.close()),
  };
}

function statement(prepared: Database.Statement): SqliteStatement {
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
    const code = (error as { code?: unknown }).code;
    if (typeof code !== "string" || !code.startsWith("SQLITE_")) throw error;
    // SQLITE_IOERR_WRITE is an SQLITE_IOERR: the first word is the primary code.
    throw new SqliteFailure(code.split("_")[1] ?? "ERROR", (error as Error).message, error);
  }
}
