import assert from "node:assert/strict";
import { test } from "node:test";
import { createInsightTracker } from "../../../core/insight/create-insight-tracker.ts";
import type { InsightTracker } from "../../../core/insight/insight-tracker.ts";
import { MeshError } from "../../../core/kernel/errors.ts";
import { createLogger } from "../../../core/kernel/log.ts";
import { Scope } from "../../../core/kernel/scope.ts";
import { type DataplaneInsightSpec, dataplaneInsightType } from "../../../core/model/types/dataplane-insight.ts";
import type { ResourceStore } from "../../../core/store/resource-store.ts";
import type { StreamNode } from "../../../core/xds/stream-events.ts";
import { createMemoryStore } from "../../../plugins/store-memory/memory-store.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const proxy = { mesh: "default", name: "redis-1" };
const key = { type: "DataplaneInsight", ...proxy };
const node: StreamNode = {
  id: "default.redis-1",
  cluster: "redis",
  userAgentVersion: "1.40.0",
  metadata: {
    version: {
      kumaDp: { version: "2.14.3", gitTag: "v2.14.3", gitCommit: "abc", buildDate: "2026-01-01" },
      envoy: { version: "1.40.0", build: "x/1.40.0", kumaDpCompatible: true },
      dependencies: { coredns: "1.9.3" },
    },
    "dataplane.admin.port": "9901",
  },
};

class Rig {
  readonly clock = new ManualClock(Date.UTC(2026, 0, 1));
  readonly store: ResourceStore = createMemoryStore({ clock: this.clock });
  readonly lines: string[] = [];
  readonly scopes: Scope[] = [];
  puts = 0;
  down = false;

  async start(): Promise<this> {
    await this.store.put({ type: "Dataplane", ...proxy, labels: {}, spec: {} });
    return this;
  }

  tracker(instance = "cp-1", options: { subscriptionLimit?: number; flushMs?: number } = {}): InsightTracker {
    const scope = new Scope(instance);
    this.scopes.push(scope);
    const log = createLogger({ write: (_level, _event, text) => void this.lines.push(text) });
    const store: ResourceStore = Object.assign(Object.create(this.store) as ResourceStore, {
      get: this.store.get.bind(this.store),
      put: async (...args: Parameters<ResourceStore["put"]>) => {
        if (this.down) throw new MeshError("MM503", "the disk is full");
        this.puts++;
        return this.store.put(...args);
      },
    });
    return createInsightTracker({ store, clock: this.clock, log, scope, instance, ...options });
  }

  async spec(): Promise<DataplaneInsightSpec | undefined> {
    return (await this.store.get(key))?.spec as DataplaneInsightSpec | undefined;
  }
}

/** Registers proxies and opens a stream of each, as a mesh that starts. */
async function openMany(rig: Rig, tracker: InsightTracker, count: number) {
  const names = Array.from({ length: count }, (_, at) => ({ mesh: "default", name: `web-${at}` }));
  for (const each of names) await rig.store.put({ type: "Dataplane", ...each, labels: {}, spec: {} });
  const streams = names.map((each) => tracker.opened(each, `s-${each.name}`, node));
  await rig.clock.advance(0);
  return { names, streams };
}

test("the document is Kuma's, field by field", async () => {
  const rig = await new Rig().start();
  const stream = rig.tracker().opened(proxy, "s1", node);
  await rig.clock.advance(0);
  assert.equal(rig.puts, 1, "the first write is immediate");
  for (const type of ["cluster", "endpoint", "listener", "route", "secret"] as const) {
    stream.sent(type);
    stream.acknowledged(type);
  }
  stream.sent("listener");
  stream.rejected("listener", {
    resource: "web",
    policies: [{ type: "MeshTimeout", name: "slow" }],
    message: "Error adding/updating listener(s) web: bad port",
  });
  await rig.clock.advance(1000);
  assert.equal(rig.puts, 2, "the rest is one write");
  const json = dataplaneInsightType.toJson((await rig.spec()) ?? {});
  assert.deepEqual(json, {
    subscriptions: [
      {
        id: "s1",
        controlPlaneInstanceId: "cp-1",
        connectTime: "2026-01-01T00:00:00.000Z",
        status: {
          lastUpdateTime: "2026-01-01T00:00:00.000Z",
          total: { responsesSent: "6", responsesAcknowledged: "5", responsesRejected: "1" },
          cds: { responsesSent: "1", responsesAcknowledged: "1" },
          eds: { responsesSent: "1", responsesAcknowledged: "1" },
          lds: { responsesSent: "2", responsesAcknowledged: "1", responsesRejected: "1" },
          rds: { responsesSent: "1", responsesAcknowledged: "1" },
        },
        version: {
          kumaDp: {
            version: "2.14.3",
            gitTag: "v2.14.3",
            gitCommit: "abc",
            buildDate: "2026-01-01",
            kumaCpCompatible: true,
          },
          envoy: { version: "1.40.0", build: "x/1.40.0", kumaDpCompatible: true },
          dependencies: { coredns: "1.9.3" },
        },
      },
    ],
    metadata: node.metadata,
    rejections: [
      {
        type: "lds",
        resource: "web",
        policies: [{ type: "MeshTimeout", name: "slow" }],
        message: "Error adding/updating listener(s) web: bad port",
        time: "2026-01-01T00:00:00.000Z",
      },
    ],
  });
  assert.deepEqual(dataplaneInsightType.parse(json).violations, []);
});

test("a refusal keeps its reason, and says when Envoy got over it", async () => {
  const rig = await new Rig().start();
  const stream = rig.tracker().opened(proxy, "s1", node);
  stream.rejected("listener", { message: "first" });
  stream.rejected("cluster", { message: "bad cluster" });
  stream.rejected("listener", { message: "second" });
  await rig.clock.advance(1000);
  stream.acknowledged("listener");
  await rig.clock.advance(10_000);
  assert.deepEqual(
    (await rig.spec())?.rejections?.map(({ type, message, acceptedTime }) => [
      type,
      message,
      acceptedTime !== undefined,
    ]),
    [
      ["cds", "bad cluster", false],
      ["lds", "second", true],
    ],
  );
});

test("nothing is written when nothing changes; under steady change writes spread to the flush interval", async () => {
  const rig = await new Rig().start();
  const stream = rig.tracker().opened(proxy, "s1", node);
  await rig.clock.advance(0);
  await rig.clock.advance(3_600_000);
  assert.equal(rig.puts, 1);
  assert.equal(rig.clock.pending, 0);
  const times: number[] = [];
  for (let at = 0, seen = rig.puts; at < 1200; at++) {
    stream.sent("endpoint");
    await rig.clock.advance(100);
    if (rig.puts !== seen) times.push(rig.clock.now());
    seen = rig.puts;
  }
  const gaps = times.slice(1).map((time, at) => time - (times[at] ?? 0));
  assert.ok(Math.min(...gaps) >= 1000, `${gaps}`);
  assert.ok(
    gaps.slice(-5).every((gap) => gap >= 9_900 && gap <= 10_200),
    `${gaps}`,
  );
  await rig.clock.advance(60_000);
  const before = rig.puts;
  stream.sent("endpoint");
  await rig.clock.advance(1000);
  assert.equal(rig.puts, before + 1, "after a rest a change is written soon again");
});

test("whoever asks sees the counters of open streams as they are; the store is told in its time, one proxy a second", async () => {
  const rig = await new Rig().start();
  const tracker = rig.tracker();
  const { names, streams } = await openMany(rig, tracker, 5);
  const opened = rig.puts;
  for (const each of streams) each.sent("secret");
  const last = names[4] as (typeof names)[number];
  const stored = (await rig.store.get({ type: "DataplaneInsight", ...last }))?.spec as DataplaneInsightSpec;
  const statusOf = (spec: DataplaneInsightSpec) => spec.subscriptions?.[0]?.status;
  assert.deepEqual(statusOf(stored)?.total, {});
  assert.deepEqual(statusOf(tracker.withCounters(last, stored))?.total, { responsesSent: 1 });
  assert.deepEqual(tracker.withCounters({ mesh: "default", name: "elsewhere" }, stored), stored);
  await rig.clock.advance(3000);
  assert.ok(rig.puts - opened <= 3, `${rig.puts - opened} writes in 3 s`);
  await rig.clock.advance(3000);
  assert.equal(rig.puts - opened, 5);
});

test("counters of a large mesh go to the store in groups", async () => {
  const rig = await new Rig().start();
  const { streams } = await openMany(rig, rig.tracker(), 40);
  const opened = rig.puts;
  for (const each of streams) each.sent("secret");
  let moments = 0;
  for (let second = 0; second < 60; second++) {
    const before = rig.puts;
    await rig.clock.advance(1000);
    if (rig.puts > before) moments++;
  }
  assert.equal(rig.puts - opened, 40);
  assert.ok(moments < 16, `written in ${moments} different seconds`);
});

test("a lost proxy's subscription stays open until it is absent; then it ends at the last sign of life", async () => {
  const rig = await new Rig().start();
  const tracker = rig.tracker();
  const stream = tracker.opened(proxy, "s1", node);
  await rig.clock.advance(5000);
  const lastSeen = rig.clock.now();
  stream.sent("cluster");
  stream.closed();
  await rig.clock.advance(300_000);
  assert.equal((await rig.spec())?.subscriptions?.[0]?.disconnectTime, undefined);
  assert.equal((await rig.spec())?.subscriptions?.[0]?.status?.total?.responsesSent, 1, "the last counts are written");
  tracker.absent(proxy, lastSeen);
  await rig.clock.advance(0);
  assert.equal((await rig.spec())?.subscriptions?.[0]?.disconnectTime, lastSeen);
  const puts = rig.puts;
  tracker.absent(proxy, lastSeen);
  await rig.clock.advance(60_000);
  assert.equal(rig.puts, puts, "said twice, written once");
});

test("a new subscription closes older ones, of any control plane, and two are kept", async () => {
  const rig = await new Rig().start();
  const [one, two] = [rig.tracker("cp-1"), rig.tracker("cp-2")];
  one.opened(proxy, "s1", node);
  await rig.clock.advance(1000);
  const counting = two.opened(proxy, "s2", node);
  await rig.clock.advance(1000);
  one.opened(proxy, "s3", node);
  await rig.clock.advance(1000);
  counting.sent("cluster");
  await rig.clock.advance(20_000);
  const subscriptions = (await rig.spec())?.subscriptions ?? [];
  assert.deepEqual(
    subscriptions.map((each) => [each.id, each.controlPlaneInstanceId, each.disconnectTime !== undefined]),
    [
      ["s2", "cp-2", true],
      ["s3", "cp-1", false],
    ],
  );
  assert.equal(subscriptions[0]?.status?.total?.responsesSent, 1, "each control plane keeps its own counts");
});

test("both control planes write at the same time: nothing is lost", async () => {
  const rig = await new Rig().start();
  const streams = [rig.tracker("cp-1").opened(proxy, "s1", node), rig.tracker("cp-2").opened(proxy, "s2", node)];
  await rig.clock.advance(0);
  for (const each of streams) each.sent("cluster");
  await rig.clock.advance(1000);
  const counts = (await rig.spec())?.subscriptions?.map((each) => each.status?.total?.responsesSent);
  assert.deepEqual(counts, [1, 1]);
});

test("a parked stream that gets its place again has an open subscription again", async () => {
  const rig = await new Rig().start();
  const tracker = rig.tracker();
  const first = tracker.opened(proxy, "s1", node);
  first.sent("cluster");
  await rig.clock.advance(1000);
  tracker.opened(proxy, "s2", node).closed();
  await rig.clock.advance(1000);
  tracker.opened(proxy, "s1", node).sent("cluster");
  await rig.clock.advance(10_000);
  const subscriptions = (await rig.spec())?.subscriptions ?? [];
  assert.deepEqual(
    subscriptions.map((each) => [each.id, each.disconnectTime !== undefined]),
    [
      ["s2", true],
      ["s1", false],
    ],
  );
  assert.equal(subscriptions[1]?.status?.total?.responsesSent, 2);
});

test("limit 0 keeps no subscription, as Kuma's does", async () => {
  const rig = await new Rig().start();
  rig.tracker("cp-1", { subscriptionLimit: 0 }).opened(proxy, "s1", node);
  await rig.clock.advance(0);
  assert.deepEqual((await rig.spec())?.subscriptions, []);
});

test("the insight goes with its Dataplane, and does not come back for a stream that is still open", async () => {
  const rig = await new Rig().start();
  const stream = rig.tracker().opened(proxy, "s1", node);
  await rig.clock.advance(0);
  await rig.store.delete({ type: "Dataplane", ...proxy });
  stream.sent("cluster");
  stream.closed();
  await rig.clock.advance(60_000);
  assert.equal(await rig.spec(), undefined);
  assert.deepEqual(rig.lines, []);
});

test("a store that is down is tried again; what happened meanwhile is not lost, and said once", async () => {
  const rig = await new Rig().start();
  rig.down = true;
  const tracker = rig.tracker();
  const stream = tracker.opened(proxy, "s1", node);
  stream.sent("cluster");
  await rig.clock.advance(60_000);
  assert.equal(rig.lines.length, 1);
  rig.down = false;
  await rig.clock.advance(10_000);
  const spec = await rig.spec();
  assert.equal(spec?.subscriptions?.[0]?.status?.total?.responsesSent, 1);
  assert.deepEqual(spec?.metadata, node.metadata);
});

test("a thousand proxies that connect at once are all written, a few at a time; a close writes the rest", async () => {
  const rig = await new Rig().start();
  const tracker = rig.tracker();
  const { streams } = await openMany(rig, tracker, 1000);
  assert.equal((await rig.store.list("DataplaneInsight")).total, 1000);
  for (const each of streams) each.sent("cluster");
  await rig.scopes[0]?.close();
  const page = await rig.store.list("DataplaneInsight");
  const counts = page.items.map((each) => (each.spec as DataplaneInsightSpec).subscriptions?.[0]?.status?.total);
  assert.ok(counts.every((each) => each?.responsesSent === 1));
  assert.equal(rig.clock.pending, 0);
});
