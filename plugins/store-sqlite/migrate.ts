import { rmSync } from "node:fs";
import { MeshError } from "../../core/kernel/errors.ts";
import type { Logger } from "../../core/kernel/log.ts";
import { createPrivateFile } from "./private-file.ts";
import { APPLICATION_ID, type Migration } from "./schema.ts";
import type { SqliteConnection } from "./sqlite-driver.ts";

/**
 * Brings the database to the newest schema, a transaction for each step. A database with content is copied before, to
 * `PATH.schema-N` with N the schema it had. Refuses (MM500) databases of other programs and of newer versions.
 */
export function applyMigrations(
  connection: SqliteConnection,
  path: string,
  migrations: readonly Migration[],
  log: Logger,
): void {
  const schema = pragma(connection, "user_version");
  if (schema === migrations.length && pragma(connection, "application_id") === APPLICATION_ID) return;
  if (schema > migrations.length && pragma(connection, "application_id") === APPLICATION_ID) {
    throw new MeshError("MM500", "the store's database was written by a newer version of monomesh", {
      where: path,
      why: `Its schema is ${schema}, this version knows up to ${migrations.length}.`,
      todo: `Run the newer version, or restore a backup of schema ${migrations.length} or less.`,
    });
  }
  const tables = connection.prepare("SELECT count(*) AS n FROM sqlite_schema").get()?.["n"];
  if (pragma(connection, "application_id") !== APPLICATION_ID && tables !== 0) {
    throw new MeshError("MM500", "the file is a database of another program", {
      where: path,
      todo: "Name another file: store.sqlite.path.",
    });
  }
  if (schema > 0) {
    const backup = `${path}.schema-${schema}`;
    // A copy that was left by a migration which did not get through may be partial.
    rmSync(backup, { force: true });
    createPrivateFile(backup);
    connection.exec(`VACUUM INTO '${backup.replaceAll("'", "''")}'`);
    log.info("store", `${path} is brought to a newer schema; it is kept as it was in ${backup}`);
  }
  for (let step = schema; step < migrations.length; step++) {
    connection.exec("BEGIN IMMEDIATE");
    try {
      connection.exec(migrations[step] ?? "");
      connection.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${step + 1}; COMMIT`);
    } catch (error) {
      if (connection.inTransaction) connection.exec("ROLLBACK");
      throw error;
    }
  }
}

function pragma(connection: SqliteConnection, name: string): number {
  return Number(connection.prepare(`PRAGMA ${name}`).get()?.[name]);
}
