import { MeshError } from "../../core/kernel/errors.ts";
import { APPLICATION_ID, MIGRATIONS } from "./schema.ts";
import type { SqliteConnection, SqliteDriver } from "./sqlite-driver.ts";
import { damaged, storeError } from "./sqlite-errors.ts";

const BUSY_MS = 1000;

/** Looks through a whole database file that nobody uses. MM500 unless it is a sound one of this or an older version. */
export function inspectDatabase(driver: SqliteDriver, file: string): { readonly revision: number } {
  let connection: SqliteConnection | undefined;
  try {
    connection = driver.open(file, BUSY_MS);
    if (pragma(connection, "application_id") !== APPLICATION_ID) {
      throw new MeshError("MM500", "the file is no database of monomesh", { where: file });
    }
    const schema = Number(pragma(connection, "user_version"));
    if (schema > MIGRATIONS.length) {
      throw new MeshError("MM500", "the database was written by a newer version of monomesh", {
        where: file,
        why: `Its schema is ${schema}, this version knows up to ${MIGRATIONS.length}.`,
      });
    }
    const finding = pragma(connection, "integrity_check");
    if (finding !== "ok") throw damaged(file, String(finding));
    const newest = connection.prepare("SELECT max(change) AS revision FROM changes").get();
    return { revision: Number(newest?.["revision"] ?? 0) };
  } catch (error) {
    throw storeError(error, file);
  } finally {
    connection?.close();
  }
}

function pragma(connection: SqliteConnection, name: string): unknown {
  return connection.prepare(`PRAGMA ${name}`).get()?.[name];
}
