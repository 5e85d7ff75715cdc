import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { systemClock } from "../../core/kernel/clock.ts";
import { silentLogger } from "../../core/kernel/log.ts";
import type { ResourceDraft } from "../../core/model/resource.ts";
import type { ResourceStore } from "../../core/store/resource-store.ts";
import { createMemoryStore } from "../../plugins/store-memory/memory-store.ts";
import { openPostgresStore } from "../../plugins/store-postgres/postgres-store.ts";
import { openSqliteStore } from "../../plugins/store-sqlite/sqlite-store.ts";
import { postgresMissing, startPostgres, type TestPostgres } from "../support/postgres.ts";
import { killOften } from "./store/kills.ts";

/*
 * What the stores can do, over both drivers of SQLite, in PostgreSQL and in memory. Run by `./build.sh bench store`; prints a table and
 * a line of JSON. The first argument shortens it: `./build.sh bench store 0.1` works on a tenth of everything;
 * the second names the stores: `./build.sh bench store 1 postgres`. `./build.sh bench store --kills 200` kills a writing
 * process that often, with each driver of SQLite, and does nothing else.
 */

const { values, positionals } = parseArgs({ options: { kills: { type: "string" } }, allowPositionals: true });
if (values.kills !== undefined) {
  for (const driver of ["better-sqlite3", "node"] as const) {
    const { kills, answered } = await killOften(Number(values.kills), driver);
    process.stdout.write(`${driver}: ${kills} kills, none of ${answered} writes lost\n`);
  }
  process.exit(0);
}

const SHARE = Number(positionals[0] ?? 1);
const scaled = (count: number) => Math.max(1, Math.round(count * SHARE));

/** `path` is a file for SQLite, and stands for a database of its own otherwise. */
type Opener = (path: string) => Promise<ResourceStore>;
const sqlite =
  (driver: "better-sqlite3" | "node"): Opener =>
  (path) =>
    openSqliteStore({ path, clock: systemClock, log: silentLogger, driver });
const server = postgresMissing() ? undefined : await startPostgres();
const databases = new Map<string, string>();
async function postgres(path: string): Promise<ResourceStore> {
  const database = databases.get(path) ?? (await server?.createDatabase()) ?? "";
  databases.set(path, database);
  const options = (server as TestPostgres).options(database);
  return openPostgresStore({ postgres: options, clock: systemClock, log: silentLogger });
}
const STORES: Readonly<Record<string, Opener>> = {
  sqlite: sqlite("better-sqlite3"),
  "sqlite (node)": sqlite("node"),
  ...(server ? { postgres } : {}),
  memory: async () => createMemoryStore(),
};

const results: Record<string, Record<string, number>> = {};
let current: Record<string, number> = {};

function report(what: string, value: number, unit: string): void {
  current[`${what}, ${unit}`] = Number(value.toPrecision(3));
}

async function timed<T>(work: () => Promise<T>): Promise<readonly [T, number]> {
  const started = performance.now();
  const result = await work();
  return [result, performance.now() - started];
}

const percentile = (values: number[], share: number) =>
  values.sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN;

/** About 900 bytes of JSON, as a Dataplane with a few tags and outbounds has. */
function dataplane(at: number, round = 0): ResourceDraft {
  const outbound = (port: number) => ({ port, tags: { "kuma.io/service": `service-${(at + port) % 50}` } });
  return {
    type: "Dataplane",
    mesh: "default",
    name: `dataplane-${String(at).padStart(6, "0")}`,
    labels: { "kuma.io/mesh": "default", "kuma.io/zone": `zone-${at % 4}` },
    spec: {
      round,
      networking: {
        address: `10.0.${at >> 8}.${at & 255}`,
        inbound: [{ port: 8080, servicePort: 80, tags: { "kuma.io/service": `service-${at % 50}`, version: "1" } }],
        outbound: Array.from({ length: 12 }, (_, index) => outbound(10_000 + index)),
      },
    },
  };
}

async function putMany(store: ResourceStore, count: number, writers: number): Promise<void> {
  let next = 0;
  const write = async () => {
    while (next < count) await store.put(dataplane(next++));
  };
  await Promise.all(Array.from({ length: writers }, write));
}

/** The longest time the event loop did not turn while `work` ran, milliseconds. */
async function longestPause<T>(work: () => Promise<T>): Promise<number> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await sleep(20);
  delay.reset();
  await work();
  await sleep(20);
  delay.disable();
  return delay.max / 1e6;
}

async function measureWrites(store: ResourceStore): Promise<void> {
  await store.put(dataplane(0));
  const alone = scaled(2000);
  const [, aloneMs] = await timed(async () => {
    for (let round = 0; round < alone; round++) await store.put(dataplane(round % 100, round));
  });
  report("puts alone", (alone / aloneMs) * 1000, "per s");
  const together = scaled(20_000);
  const [, togetherMs] = await timed(() => putMany(store, together, 64));
  report("puts, 64 waiting", (together / togetherMs) * 1000, "per s");
}

async function measureWatch(store: ResourceStore): Promise<void> {
  const controller = new AbortController();
  const sent = new Map<number, number>();
  const latencies: number[] = [];
  const from = await store.revision();
  const watching = (async () => {
    for await (const batch of store.watch(from, controller.signal)) {
      for (const change of batch) {
        const round = (change.resource.spec as { round: number }).round;
        latencies.push(performance.now() - (sent.get(round) ?? Number.NaN));
      }
    }
  })();
  for (let round = 0; round < scaled(500); round++) {
    sent.set(round, performance.now());
    await store.put(dataplane(1, round));
  }
  controller.abort();
  await watching;
  report("put to watcher, p50", percentile(latencies, 0.5), "ms");
  report("put to watcher, p99", percentile(latencies, 0.99), "ms");
}

async function measureLists(store: ResourceStore, count: number): Promise<void> {
  const [whole, wholeMs] = await timed(() => store.list("Dataplane"));
  if (whole.items.length !== count) throw new Error(`listed ${whole.items.length} of ${count}`);
  report("list, all at once", wholeMs, "ms");
  report("list, all at once, longest pause", await longestPause(() => store.list("Dataplane")), "ms");
  const pages: number[] = [];
  let after: string | undefined;
  do {
    const [page, ms] = await timed(() => store.list("Dataplane", { mesh: "default", limit: 100, after }));
    pages.push(ms);
    after = page.next;
  } while (after !== undefined);
  report("list, a page of 100, p50", percentile(pages, 0.5), "ms");
  report("list, a page of 100, p99", percentile(pages, 0.99), "ms");
  const [, filterMs] = await timed(() => store.list("Dataplane", { labels: { "kuma.io/zone": "zone-1" }, limit: 100 }));
  report("list, a page by label", filterMs, "ms");
}

async function measureStore(open: Opener, dir: string): Promise<void> {
  const path = join(dir, "store.db");
  const [first, openMs] = await timed(() => open(path));
  report("open, new", openMs, "ms");
  const [, firstPutMs] = await timed(() => first.put(dataplane(0)));
  report("first put, its thread booting", firstPutMs, "ms");
  await measureWrites(first);
  await measureWatch(first);
  await first.close();

  const small = join(dir, "ten-thousand.db");
  let store = await open(small);
  await putMany(store, scaled(10_000), 500);
  const durable = open !== STORES["memory"];
  if (durable) {
    await store.close();
    const [reopened, reopenMs] = await timed(() => open(small));
    const [, listMs] = await timed(() => reopened.list("Dataplane"));
    report("open, 10,000 resources", reopenMs, "ms");
    report("open and read, 10,000 resources", reopenMs + listMs, "ms");
    await reopened.close();
  } else await store.close();

  store = await open(join(dir, "many.db"));
  await store.put({ type: "Mesh", mesh: "", name: "default", labels: {}, spec: {} });
  const many = scaled(100_000);
  await putMany(store, many, 1000);
  await measureLists(store, many);
  const owned = scaled(10_000);
  const owner = { type: "Mesh", mesh: "", name: "default" };
  await Promise.all(
    Array.from({ length: owned }, (_, at) => store.put({ ...dataplane(at), type: "DataplaneInsight" }, { owner })),
  );
  let deleteMs = 0;
  const pause = await longestPause(async () => {
    [, deleteMs] = await timed(() => store.delete(owner));
  });
  report("delete with 10,000 owned", deleteMs, "ms");
  report("delete with 10,000 owned, longest pause", pause, "ms");
  await store.close();
}

/** From a put at one control plane to a watcher at another. */
async function measureShared(open: Opener, dir: string): Promise<void> {
  const [one, two] = [await open(join(dir, "shared")), await open(join(dir, "shared"))];
  const latencies: number[] = [];
  const stop = new AbortController();
  let arrived: (() => void) | undefined;
  const watching = (async () => {
    for await (const _ of two.watch(0, stop.signal)) arrived?.();
  })();
  for (let round = 0; round < scaled(500); round++) {
    const sent = performance.now();
    const arrival = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    await one.put(dataplane(1, round));
    await arrival;
    latencies.push(performance.now() - sent);
  }
  stop.abort();
  await watching;
  report("put to a watcher elsewhere, p50", percentile(latencies, 0.5), "ms");
  report("put to a watcher elsewhere, p99", percentile(latencies, 0.99), "ms");
  await Promise.all([one.close(), two.close()]);
}

const only = positionals[1]?.split(",");
for (const [name, open] of Object.entries(STORES)) {
  if (only && !only.includes(name)) continue;
  const dir = mkdtempSync(join(tmpdir(), "bench-store-"));
  current = {};
  results[name] = current;
  try {
    await measureStore(open, dir);
    if (name === "postgres") await measureShared(open, dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

await server?.stop();

const names = Object.keys(results);
const rows = [...new Set(Object.values(results).flatMap((each) => Object.keys(each)))];
const cells = (first: string, rest: readonly string[]) =>
  `${first.padEnd(52)}${rest.map((cell) => cell.padStart(16)).join("")}\n`;
process.stdout.write(cells("", names));
for (const row of rows)
  process.stdout.write(
    cells(
      row,
      names.map((name) => String(results[name]?.[row] ?? "-")),
    ),
  );
process.stdout.write(`${JSON.stringify({ bench: "store", share: SHARE, results })}\n`);
