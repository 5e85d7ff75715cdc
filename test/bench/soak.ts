/**
 * Whether memory stays where it is: `./build.sh bench soak [--proxies 500] [--minutes 10] [--delta]`. Every second some
 * sidecars are cut off and join again, and an endpoint comes or goes that all of them use.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { expectOk } from "../../cmd/ctl/rest-client.ts";
import { startControlPlane } from "./engine/control-plane.ts";
import { Fleet } from "./engine/fleet.ts";
import { makeTokens } from "./engine/measure.ts";
import { extraEndpoint, serviceName, shapeFor } from "./engine/shape.ts";

const { values } = parseArgs({
  options: {
    proxies: { type: "string", default: "500" },
    minutes: { type: "string", default: "10" },
    delta: { type: "boolean", default: false },
  },
});
const proxies = Number(values.proxies);
const minutes = Number(values.minutes);
/** Sidecars that are cut off each second. */
const CHURNED = Math.max(1, Math.round(proxies / 100));
const SAMPLE_MS = 15_000;
/** Largest growth from the end of the first minute to the end. */
const MOST_GROWTH = 0.1;
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;

await using plane = await startControlPlane();
using fleet = new Fleet({
  shape: shapeFor(proxies),
  variant: values.delta ? "delta" : "sotw",
  workers: 1,
  tokens: await makeTokens(plane, proxies),
  host: "127.0.0.1",
  port: plane.dpPort,
  extensionBytes: 60_000,
  keepaliveMs: 10_000,
  concurrency: 100,
});
await fleet.join(300_000);

const started = performance.now();
const elapsed = () => performance.now() - started;
interface Sample {
  readonly seconds: number;
  readonly rss: number;
  readonly anonymous: number;
  readonly heap: Awaited<ReturnType<typeof plane.heap>>;
}
const samples: Sample[] = [];
let sampledAt = Number.NEGATIVE_INFINITY;
let churned = 0;
let changes = 0;
process.stdout.write(`${proxies} sidecars, ${CHURNED} of them cut off and back each second\n`);
for (let turn = 0; elapsed() < minutes * 60_000; turn++) {
  const from = (turn * CHURNED) % proxies;
  const indexes = Array.from({ length: CHURNED }, (_, at) => (from + at) % proxies);
  const extra = extraEndpoint(serviceName(0), `10.250.0.${100 + ((turn >> 1) % 100)}`);
  const path = `/meshes/default/dataplanes/${extra.name}`;
  const { api } = plane;
  const change = turn % 2 === 0 ? api.put(path, extra) : api.delete(path);
  await Promise.all([fleet.churn(indexes, 60_000), change.then((answer) => expectOk(answer, "change refused"))]);
  churned += CHURNED;
  changes++;
  if (elapsed() - sampledAt >= SAMPLE_MS) {
    sampledAt = elapsed();
    const { rss, anonymous } = plane.memory();
    const heap = await plane.heap();
    const seconds = Math.round(sampledAt / 1000);
    samples.push({ seconds, rss, anonymous, heap });
    const columns = [
      `${String(seconds).padStart(5)} s   RSS ${megabytes(rss)}`,
      `anonymous ${megabytes(anonymous)}`,
      heap ? `heap ${megabytes(heap.all)}, of that used ${megabytes(heap.used)}` : "heap unknown",
      `CPU ${plane.cpuSeconds().toFixed(1)} s`,
    ];
    process.stdout.write(`${columns.join(", ")}\n`);
  }
  await sleep(Math.max(0, (turn + 1) * 1000 - elapsed()));
}

// Memory saws between collections: each end is the mean of what was seen around it.
const mean = (some: typeof samples) => some.reduce((sum, { rss }) => sum + rss, 0) / some.length;
const settledAt = Math.min(60, minutes * 20);
const first = samples.filter(({ seconds }) => seconds >= settledAt).slice(0, 3);
const last = samples.slice(-3);
const growth = mean(last) / mean(first) - 1;
const verdict = growth <= MOST_GROWTH ? "steady" : "GROWS";
process.stdout.write(
  `${churned} joins, ${changes} changes: from minute 1 to the end ${(growth * 100).toFixed(1)} % (goal 10 %): ${verdict}\n`,
);
const result = { bench: "soak", proxies, minutes, churned, changes, growth, samples, failures: fleet.failures };
process.stdout.write(`${JSON.stringify(result)}\n`);
if (growth > MOST_GROWTH || fleet.failures.length > 0) process.exitCode = 1;
