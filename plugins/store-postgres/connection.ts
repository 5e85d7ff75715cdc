import { readFileSync } from "node:fs";
import type { ConnectionOptions } from "node:tls";
import pg from "pg";
import { MeshError } from "../../core/kernel/errors.ts";

/** How the server is recognised; the words are Kuma's (contract, section 1.4). */
export type TlsMode = "disable" | "verifyNone" | "verifyCa" | "verifyFull";

/** Times in milliseconds. */
export interface PostgresOptions {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly tls: {
    readonly mode: TlsMode;
    /** Our certificate and key, PEM files; empty: none. */
    readonly certPath: string;
    readonly keyPath: string;
    /** Who signed the server's certificate, PEM file; empty: the authorities Node knows. */
    readonly caPath: string;
  };
  readonly connectTimeoutMs: number;
  readonly maxConnections: number;
  readonly minConnections: number;
  /** A connection that was not used for this time is closed. */
  readonly idleMs: number;
  /** A connection is replaced after this time. */
  readonly lifetimeMs: number;
}

/** Without an answer for this time the database counts as away. */
const ANSWER_MS = 5000;

/** `10.0.0.5:5432/kuma`, for errors. */
export function placeOf({ host, port, database }: PostgresOptions): string {
  return `${host}:${port}/${database}`;
}

/** The connections for reads and writes; they are made when they are needed. One that breaks while nobody uses it is replaced. */
export function openPool(options: PostgresOptions): pg.Pool {
  const pool = new pg.Pool({
    ...clientConfig(options),
    max: options.maxConnections,
    min: Math.min(options.minConnections, options.maxConnections),
    idleTimeoutMillis: options.idleMs,
    maxLifetimeSeconds: Math.ceil(options.lifetimeMs / 1000),
  });
  pool.on("error", () => undefined);
  pool.on("connect", surviveErrors);
  return pool;
}

/** One connection outside the pool; the caller connects and ends it. */
export function createClient(options: PostgresOptions): pg.Client {
  const client = new pg.Client(clientConfig(options));
  surviveErrors(client);
  return client;
}

/**
 * Without a listener a connection that breaks between two statements would end the process; who uses it learns it by "end" or
 * by a query.
 */
function surviveErrors(client: pg.ClientBase): void {
  client.on("error", () => undefined);
}

/** Ends a connection also when nobody answers on it any more. */
export function endClient(client: pg.Client): void {
  client.end().catch(() => undefined);
  const { stream } = (client as unknown as { connection: { stream: { destroySoon?(): void; destroy(): void } } })
    .connection;
  if (stream.destroySoon) stream.destroySoon();
  else stream.destroy();
}

const INT8 = 20;

function clientConfig(options: PostgresOptions): pg.ClientConfig {
  const { host, port, user, password, database } = options;
  return {
    host,
    port,
    user,
    password,
    database,
    ssl: tlsOptions(options),
    application_name: "monomesh",
    connectionTimeoutMillis: options.connectTimeoutMs,
    query_timeout: ANSWER_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: ANSWER_MS,
    types: {
      // Revisions and times stay far below 2^53.
      getTypeParser: ((oid: number, format: "text") =>
        oid === INT8 ? Number : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
    },
  };
}

function tlsOptions({ tls }: PostgresOptions): ConnectionOptions | false {
  if (tls.mode === "disable") return false;
  const common: ConnectionOptions = {
    ...(tls.certPath ? { cert: readPem(tls.certPath, "certPath") } : {}),
    ...(tls.keyPath ? { key: readPem(tls.keyPath, "keyPath") } : {}),
    ...(tls.caPath && tls.mode !== "verifyNone" ? { ca: readPem(tls.caPath, "caPath") } : {}),
  };
  if (tls.mode === "verifyNone") return { ...common, rejectUnauthorized: false };
  if (tls.mode === "verifyCa") return { ...common, checkServerIdentity: () => undefined };
  return common;
}

function readPem(path: string, name: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new MeshError("MM105", `${path} cannot be read`, {
      where: `store.postgres.tls.${name}`,
      why: (cause as Error).message,
      cause,
    });
  }
}
