/**
 * What the engine itself costs, without streams: `./build.sh bench push [PROXIES]`. Every proxy has an inbound and 20
 * outbounds to 100 services of 10 instances; a change flips one endpoint of a service that all, or a fifth, consume, or
 * it is one of a policy that changes every cluster and listener, or those of one proxy.
 */
import { systemClock } from "../../core/kernel/clock.ts";
import { silentLogger } from "../../core/kernel/log.ts";
import { Scope } from "../../core/kernel/scope.ts";
import { PolicyCatalogue } from "../../core/policy/policy-catalogue.ts";
import { createPushEngine } from "../../core/push/push-engine.ts";
import { builtinPolicies } from "../../plugins/policy-builtins.ts";
import { createMemoryStore } from "../../plugins/store-memory/memory-store.ts";
import { rules, target, timeout, to } from "../core/policy/fixtures.ts";
import { dataplane, presence } from "../core/view/fixtures.ts";

const PROXIES = Number(process.argv[2] ?? 1000);
const SERVICES = 100;
const OUTBOUNDS = 20;
const CHANGES = 50;
const POLICY_CHANGES = 10;

const store = createMemoryStore();
const scope = new Scope("bench");
const labels = { "kuma.io/mesh": "default", "kuma.io/zone": "default", "kuma.io/env": "universal" };

/** All consume `s-0`; `s-1` is consumed by one of five, the others in turn. */
function outboundsOf(index: number): string[] {
  const names = ["s-0", ...(index % 5 === 0 ? ["s-1"] : [])];
  for (let at = 2; names.length < OUTBOUNDS; at++) names.push(`s-${2 + ((index * 7 + at) % (SERVICES - 2))}`);
  return names;
}

for (let index = 0; index < PROXIES; index++) {
  const name = `p-${index}`;
  const address = `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`;
  const inbound = [{ service: `s-${index % SERVICES}`, port: 8080, protocol: "http" }];
  await store.put(dataplane(name, { address, labels, inbound, outbound: outboundsOf(index) }));
  await store.put(presence(name, "healthy"));
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 300));
function memory(): number {
  for (let round = 0; round < 3; round++) globalThis.gc?.();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return heapUsed + Math.max(external, arrayBuffers);
}

const before = memory();
const policies = new PolicyCatalogue(builtinPolicies());
const engine = createPushEngine({
  store,
  policies,
  scope,
  clock: systemClock,
  log: silentLogger,
  resolve: () => Promise.reject(new Error("no names here")),
});
await engine.settled(await store.revision());
const withView = memory();
const { loadBuilders } = await import("../../core/envoy/load-builders.ts");
await loadBuilders();
const loaded = memory();

let heard = 0;
/** When each snapshot was heard, since the change. */
const heardAt: number[] = [];
let started = performance.now();
const cpu = process.cpuUsage();
for (let index = 0; index < PROXIES; index++) {
  engine.subscribe({ mesh: "default", name: `p-${index}` }, () => {
    heard++;
    heardAt.push(performance.now() - started);
  });
}
await engine.settled();
const connect = performance.now() - started;
const { user, system } = process.cpuUsage(cpu);
await settle();
const subscribed = memory();
const { resources, sets, longestSliceMs } = engine.stats();

console.log(`${PROXIES} proxies, ${SERVICES} services, ${OUTBOUNDS} outbounds each`);
console.log(`picture            ${((withView - before) / PROXIES / 1024).toFixed(1)} KB a proxy`);
console.log(`builders           ${((loaded - withView) / 1e6).toFixed(1)} MB of heap`);
console.log(
  `first snapshots    ${connect.toFixed(0)} ms (${((user + system) / 1000).toFixed(0)} ms CPU), ${heard} heard`,
);
console.log(`snapshots          ${((subscribed - loaded) / PROXIES / 1024).toFixed(1)} KB a proxy`);
console.log(
  `resources          ${JSON.stringify(resources.kept)}, ${sets} sets, longest slice ${longestSliceMs.toFixed(1)} ms`,
);

for (const service of [0, 1]) {
  const victim = `p-${service}`;
  const times: number[] = [];
  heard = 0;
  const spent = process.cpuUsage();
  for (let change = 0; change < CHANGES; change++) {
    await settle();
    started = performance.now();
    const { revision } = await store.put(presence(victim, change % 2 === 0 ? "degraded" : "healthy"));
    await engine.settled(revision);
    times.push(performance.now() - started);
  }
  const used = process.cpuUsage(spent);
  times.sort((a, b) => a - b);
  const consumers = heard / CHANGES;
  const median = times[CHANGES / 2] ?? 0;
  const cost = ((used.user + used.system) / CHANGES / consumers).toFixed(2);
  console.log(
    `endpoint change    ${consumers} consumers: p50 ${median.toFixed(2)} ms, max ${times.at(-1)?.toFixed(2)} ms, ` +
      `${((median * 1000) / consumers).toFixed(2)} µs a proxy (${cost} µs CPU)`,
  );
}
console.log(`resources built by the changes: ${engine.stats().resources.built - resources.built}`);

const everything = (change: number) => ({
  ...target("Mesh"),
  ...to({ connectionTimeout: `${1000 + change}ms`, http: { streamIdleTimeout: `${1000 + change}s` } }),
});
const inbounds = (change: number) => rules({ http: { requestTimeout: `${1000 + change}s` } });
const own = (change: number) => ({ ...target("Dataplane", { name: "p-7" }), ...to({ idleTimeout: `${1 + change}s` }) });
for (const [what, specOf] of Object.entries({
  "every cluster": everything,
  "every inbound": inbounds,
  "one proxy": own,
})) {
  heardAt.length = 0;
  const spent = process.cpuUsage();
  for (let change = 0; change < POLICY_CHANGES; change++) {
    await settle();
    started = performance.now();
    const { revision } = await store.put(timeout(`policy-${what.replace(" ", "-")}`, specOf(change)));
    await engine.settled(revision);
  }
  const used = process.cpuUsage(spent);
  heardAt.sort((a, b) => a - b);
  const at = (part: number) => (heardAt[Math.floor(heardAt.length * part)] ?? 0).toFixed(1);
  console.log(
    `policy change      ${what}, ${heardAt.length / POLICY_CHANGES} proxies: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, ` +
      `${((used.user + used.system) / 1000 / POLICY_CHANGES).toFixed(0)} ms CPU`,
  );
}
console.log(`longest slice      ${engine.stats().longestSliceMs.toFixed(1)} ms`);
await scope.close();
await store.close();
