import type { SqliteConnection, SqliteDriver } from "./sqlite-driver.ts";

/** How long a statement waits for a program that looks into the file, such as a backup. */
const BUSY_MS = 5000;

/** A connection with the settings that durability rests on: each commit is synced before it is answered. */
export function openConnection(driver: SqliteDriver, path: string): SqliteConnection {
  const connection = driver.open(path, BUSY_MS);
  try {
    // 2 MB of page cache each; a write-ahead log that grew in a burst is cut back to 8 MB.
    connection.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA foreign_keys = ON;
      PRAGMA temp_store = MEMORY;
      PRAGMA cache_size = -2000;
      PRAGMA journal_size_limit = 8388608;
    `);
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}
