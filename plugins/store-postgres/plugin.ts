import * as z from "zod/mini";
import { definePlugin, type PluginContext } from "../../core/kernel/plugin.ts";
import { unknownOption } from "../../core/store/option-errors.ts";
import type { ResourceStore } from "../../core/store/resource-store.ts";
import type { PostgresOptions } from "./connection.ts";

const AT_LEAST_ONE = "must be a whole number, 1 or more";
const NOT_NEGATIVE = "must be a whole number, 0 or more";

const count = (fallback: number) => z._default(z.int(NOT_NEGATIVE).check(z.minimum(0, NOT_NEGATIVE)), fallback);
const text = (fallback: string) => z._default(z.string("must be a text"), fallback);

/** Times in milliseconds. The words are Kuma's (contract, section 1.4). */
const options = z.strictObject(
  {
    /** Name or address of the server, or the directory of its socket. */
    host: text("127.0.0.1"),
    port: count(15432),
    user: text("kuma"),
    password: text("kuma"),
    dbName: text("kuma"),
    tls: z._default(
      z.strictObject({
        mode: z._default(z.enum(["disable", "verifyNone", "verifyCa", "verifyFull"]), "disable"),
        certPath: text(""),
        keyPath: text(""),
        caPath: text(""),
      }),
      { mode: "disable", certPath: "", keyPath: "", caPath: "" },
    ),
    connectionTimeout: count(5000),
    /** Of the pool; one more is always open. 0: no limit. */
    maxOpenConnections: count(50),
    minOpenConnections: count(0),
    maxConnectionIdleTime: count(30 * 60_000),
    maxConnectionLifetime: count(60 * 60_000),
    tolerateNewerDBVersions: z._default(z.boolean("must be true or false"), false),
    /** Changes that a watch can go back. */
    retainedChanges: z._default(z.int(AT_LEAST_ONE).check(z.minimum(1, AT_LEAST_ONE)), 5000),
  },
  { error: unknownOption },
);

type Options = z.infer<typeof options>;

/** Its code and `pg` are loaded when it is chosen. */
export const postgresStorePlugin = definePlugin<ResourceStore, Options>({
  kind: "store",
  name: "postgres",
  description: "Keeps everything in a PostgreSQL database that several control planes share.",
  options,
  async create({ scope, log, clock }, given) {
    const { openPostgresStore } = await import("./postgres-store.ts");
    const store = await openPostgresStore({
      postgres: connectionOptions(given),
      clock,
      log,
      retainedChanges: given.retainedChanges,
      tolerateNewerSchema: given.tolerateNewerDBVersions,
    });
    scope.defer(() => store.close());
    return store;
  },
  async migrate(_context: PluginContext, given) {
    const { applyMigrations } = await import("./migrate.ts");
    const postgres = connectionOptions(given);
    const { from, to } = await applyMigrations(postgres);
    const where = `${postgres.database} at ${postgres.host}:${postgres.port}`;
    if (from === to) return `the database ${where} is migrated already, to schema ${to}`;
    return `the database ${where} was migrated from schema ${from} to ${to}`;
  },
});

function connectionOptions(given: Options): PostgresOptions {
  return {
    host: given.host,
    port: given.port,
    user: given.user,
    password: given.password,
    database: given.dbName,
    tls: given.tls,
    connectTimeoutMs: given.connectionTimeout,
    maxConnections: given.maxOpenConnections || Number.MAX_SAFE_INTEGER,
    minConnections: given.minOpenConnections,
    idleMs: given.maxConnectionIdleTime,
    lifetimeMs: given.maxConnectionLifetime,
  };
}
