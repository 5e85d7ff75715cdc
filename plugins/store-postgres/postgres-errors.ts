import { MeshError } from "../../core/kernel/errors.ts";

/** SQLSTATE classes and codes that the store tells apart (PostgreSQL manual, appendix A). */
const NO_ROOM = new Set(["53100", "53200"]);
const READ_ONLY = "25006";
const TOO_MANY = "53300";
const NO_PASSWORD = new Set(["28P01", "28000"]);
const NO_DATABASE = "3D000";
const NO_TABLE = new Set(["42P01", "42883"]);
const NO_RIGHT = "42501";
/** The server ends, is starting, or an administrator ended the session. */
const GOING = new Set(["57P01", "57P02", "57P03", "57P05"]);

interface PgError extends Error {
  readonly code?: string;
  readonly severity?: string;
}

/** Whether the database cannot be reached, in contrast to one that answers and refuses. */
export function isAway(thrown: unknown): boolean {
  if (thrown instanceof MeshError) return false;
  const { code, severity } = thrown as PgError;
  // What the server itself says has a severity; everything else is a connection that did not come about or broke.
  if (severity === undefined) return true;
  return code !== undefined && (GOING.has(code) || code === TOO_MANY || code.startsWith("08"));
}

/** Says what an error of PostgreSQL or of the connection to it means; `where` is `host:port/database`. */
export function storeError(thrown: unknown, where: string): MeshError {
  if (thrown instanceof MeshError) return thrown;
  const error = thrown as PgError;
  const code = error.severity === undefined ? undefined : error.code;
  const parts = { where, why: sentence(error), cause: error };
  if (code === undefined || GOING.has(code) || code.startsWith("08")) {
    return new MeshError("MM503", "the store's database cannot be reached", {
      ...parts,
      todo: "Is PostgreSQL running there? store.postgres.host and store.postgres.port name it.",
    });
  }
  if (NO_PASSWORD.has(code)) {
    return new MeshError("MM503", "the store's database does not let us in", {
      ...parts,
      todo: "Check store.postgres.user and store.postgres.password, and pg_hba.conf of the server.",
    });
  }
  if (code === NO_DATABASE) {
    return new MeshError("MM503", "the store's database does not exist", {
      ...parts,
      todo: "createdb makes it; then: monomesh cp migrate up",
    });
  }
  if (code === NO_RIGHT) {
    return new MeshError("MM503", "the store's database does not allow that", {
      ...parts,
      todo: "The user of store.postgres.user must own the tables, or may do all with them.",
    });
  }
  if (NO_TABLE.has(code)) return notMigrated(where, 0, undefined);
  if (NO_ROOM.has(code)) {
    return new MeshError("MM503", "the store's database has no room", {
      ...parts,
      todo: "Free some space on the server; writing then goes on by itself.",
    });
  }
  if (code === TOO_MANY) {
    return new MeshError("MM503", "the store's database takes no more connections", {
      ...parts,
      todo: "Raise max_connections of the server, or lower store.postgres.maxOpenConnections.",
    });
  }
  if (code === READ_ONLY) {
    return new MeshError("MM503", "the store's database cannot be written", {
      ...parts,
      todo: "It is a standby: store.postgres.host must name the primary.",
    });
  }
  return new MeshError("MM500", "the store's database failed", parts);
}

/** MM502: the schema is missing or older than this version needs. */
export function notMigrated(where: string, schema: number, wanted: number | undefined): MeshError {
  const why =
    schema === 0 ? "It has no tables of monomesh." : `Its schema is ${schema}, this version needs ${wanted ?? "more"}.`;
  return new MeshError("MM502", "the store's database is not migrated", {
    where,
    why,
    todo: "monomesh cp migrate up    (with the same configuration)",
  });
}

/** An AggregateError (a name with several addresses) has no text of its own. */
function sentence(error: PgError): string {
  const first = error instanceof AggregateError ? (error.errors[0] as Error) : error;
  const text = first.message || first.name;
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
