/**
 * Two control planes on one PostgreSQL, with real and simulated sidecars: `./build.sh bench replicas`.
 *
 *   --minutes N       how long control planes are killed, one every 20 s; default 5, 0: not at all
 *   --simulated N     simulated sidecars; default 50
 *   --away SECONDS    how long the database is away; default 60, 0: not at all
 *   --json FILE       the figures for machines
 *
 * Ends with 1 when a goal was missed. What it plays is in test/e2e/scenarios/replicas.ts.
 */
import { writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { eventually } from "../../cmd/demo/eventually.ts";
import { startLoad } from "../../cmd/demo/load.ts";
import { openReplicas, playKills, type Replicas, untilAllConnected } from "../e2e/scenarios/replicas.ts";

const EVERY_MS = 20_000;
const CHANGES = 100;

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    minutes: { type: "string", default: "5" },
    simulated: { type: "string", default: "50" },
    away: { type: "string", default: "60" },
    json: { type: "string" },
  },
});

const results: { what: string; value: string; goal: string; good: boolean }[] = [];

function tell(what: string, value: string, goal: string, good: boolean): void {
  results.push({ what, value, goal, good });
  process.stdout.write(`${good ? "ok    " : "MISSED"}  ${what.padEnd(66)} ${value.padStart(20)}   goal: ${goal}\n`);
}

const at = (values: readonly number[], share: number) =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN;
const ms = (value: number) => `${value.toFixed(value < 10 ? 1 : 0)} ms`;

async function measureConvergence(replicas: Replicas): Promise<void> {
  const latencies: number[] = [];
  const [one, two] = replicas.planes;
  for (let round = 0; round < CHANGES; round++) {
    const address = `10.8.${round >> 8}.${round & 255}`;
    const networking = { address, inbound: [{ port: 80, tags: { "kuma.io/service": "backend" } }] };
    const dataplane = { type: "Dataplane", mesh: "default", name: "added", networking };
    const put = async () => void (await one.api.put("/meshes/default/dataplanes/added", dataplane));
    latencies.push(...(await replicas.fleet.observe("backend", address, put)));
    await two.api.delete("/meshes/default/dataplanes/added");
    await sleep(200);
  }
  const [p50, p99] = [at(latencies, 0.5), at(latencies, 0.99)];
  tell("from a PUT at one to the sidecars of both, p50", ms(p50), "50 ms", p50 < 50);
  tell("the same, p99", ms(p99), "–", true);
}

async function measureKills(replicas: Replicas): Promise<void> {
  const kills = Math.round((Number(values.minutes) * 60_000) / EVERY_MS);
  if (kills === 0) return;
  const report = await playKills(replicas, { everyMs: EVERY_MS - 5000, kills, downMs: 5000 });
  const { failed, requests, looks, missing, movedMs, leaderMs } = report;
  tell(
    `requests that failed while a control plane was killed ${kills} times`,
    `${failed} of ${requests}`,
    "0",
    failed === 0,
  );
  tell("looks at which a Dataplane was missing", `${missing} of ${looks}`, "0", missing === 0);
  const [moved, leader] = [Math.max(...movedMs), Math.max(...leaderMs)];
  const both = (list: readonly number[], slowest: number) => `${ms(at(list, 0.5))}, ${ms(slowest)}`;
  tell("sidecars are at the other control plane, median, slowest", both(movedMs, moved), "2 s", moved < 2000);
  tell(`leader replaced (${leaderMs.length} times), median, slowest`, both(leaderMs, leader), "5 s", leader < 5000);
  for (const plane of replicas.planes) await untilAllConnected(replicas, plane);
  tell("all connected at the end", "yes", "yes", true);
}

async function measureAway(replicas: Replicas): Promise<void> {
  const [one, two] = replicas.planes;
  if (Number(values.away) === 0) return;
  const load = startLoad(replicas.toBackend, 50);
  await replicas.postgres.kill();
  let [reads, refused, other] = [0, 0, 0];
  const end = performance.now() + Number(values.away) * 1000;
  while (performance.now() < end) {
    const read = await two.api.get("/meshes/default/dataplanes");
    const write = await one.api.put("/meshes/other", { type: "Mesh", name: "other" });
    if (read.status === 200) reads++;
    else other++;
    if (write.status === 503) refused++;
    else other++;
    await sleep(500);
  }
  await replicas.postgres.start();
  const back = performance.now();
  await eventually(
    () => one.api.put("/meshes/other", { type: "Mesh", name: "other" }),
    ({ status }) => status === 201,
  );
  const writableMs = performance.now() - back;
  for (const plane of replicas.planes) await untilAllConnected(replicas, plane);
  const { requests, failed } = await load.stop();
  tell(
    `requests that failed while the database was away for ${values.away} s`,
    `${failed} of ${requests}`,
    "0",
    failed === 0,
  );
  tell("reads answered, writes refused with 503, others", `${reads}, ${refused}, ${other}`, "0 others", other === 0);
  tell("writes go through again after", ms(writableMs), "2 s", writableMs < 2000);
}

await using replicas = await openReplicas({ simulated: Number(values.simulated) });
await measureConvergence(replicas);
await measureKills(replicas);
await measureAway(replicas);
if (values.json) writeFileSync(values.json, JSON.stringify({ bench: "replicas", results }));
process.exitCode = results.every(({ good }) => good) ? 0 : 1;
