import type pg from "pg";
import { MeshError } from "../../core/kernel/errors.ts";
import { createClient, endClient, type PostgresOptions, placeOf } from "./connection.ts";
import { notMigrated, storeError } from "./postgres-errors.ts";
import { MIGRATIONS, type Migration } from "./schema.ts";

/** Two that migrate at once wait for each other. */
const MIGRATION_LOCK = "7885642897404818281";

type Queryable = Pick<pg.Client, "query">;

/** What `migrate up` did. */
export interface Migrated {
  readonly from: number;
  readonly to: number;
}

/**
 * Brings the database to the newest schema, all steps in one transaction. Rejects with MM503 when it cannot be reached,
 * and with MM500 for a database of Kuma or of a newer version.
 */
export async function applyMigrations(
  options: PostgresOptions,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<Migrated> {
  const where = placeOf(options);
  const client = createClient(options);
  try {
    await client.connect();
    await client.query("BEGIN");
    await client.query(`SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`);
    const from = await readSchema(client);
    await refuseStrangers(client, from, where);
    if (from > migrations.length) throw newerSchema(where, from, migrations.length);
    if (from === 0) await client.query("CREATE TABLE monomesh_schema (version integer NOT NULL)");
    for (const step of migrations.slice(from)) await client.query(step);
    if (from === 0) await client.query("INSERT INTO monomesh_schema VALUES ($1)", [migrations.length]);
    else await client.query("UPDATE monomesh_schema SET version = $1", [migrations.length]);
    await client.query("COMMIT");
    return { from, to: migrations.length };
  } catch (error) {
    throw storeError(error, where);
  } finally {
    endClient(client);
  }
}

/** MM502 unless the database has the schema that this version needs; a newer one only if `tolerateNewer`. */
export async function checkSchema(
  db: Queryable,
  where: string,
  tolerateNewer: boolean,
  wanted = MIGRATIONS.length,
): Promise<void> {
  const schema = await readSchema(db);
  await refuseStrangers(db, schema, where);
  if (schema < wanted) throw notMigrated(where, schema, wanted);
  if (schema > wanted && !tolerateNewer) throw newerSchema(where, schema, wanted);
}

/** 0 in a database without our tables. */
async function readSchema(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ there: boolean }>("SELECT to_regclass('monomesh_schema') IS NOT NULL AS there");
  if (!rows[0]?.there) return 0;
  const found = await db.query<{ version: number }>("SELECT version FROM monomesh_schema");
  return found.rows[0]?.version ?? 0;
}

/** Kuma keeps `resources` and `schema_migrations`; both programs on one database would be a mistake of the configuration. */
async function refuseStrangers(db: Queryable, schema: number, where: string): Promise<void> {
  if (schema > 0) return;
  const { rows } = await db.query<{ kuma: boolean }>(
    "SELECT to_regclass('resources') IS NOT NULL AND to_regclass('schema_migrations') IS NOT NULL AS kuma",
  );
  if (!rows[0]?.kuma) return;
  throw new MeshError("MM500", "the store's database belongs to a Kuma control plane", {
    where,
    why: "It has Kuma's tables resources and schema_migrations; monomesh keeps its own and would not see them.",
    todo: "Make a database for monomesh (createdb monomesh) and name it: store.postgres.dbName.",
  });
}

function newerSchema(where: string, schema: number, known: number): MeshError {
  return new MeshError("MM500", "the store's database was migrated by a newer version of monomesh", {
    where,
    why: `Its schema is ${schema}, this version knows up to ${known}.`,
    todo: "Run the newer version, or set store.postgres.tolerateNewerDBVersions if its notes say that this is safe.",
  });
}
