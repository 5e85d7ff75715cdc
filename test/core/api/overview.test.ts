import assert from "node:assert/strict";
import { test } from "node:test";
import { buildOverview } from "../../../core/api/overview.ts";
import type { PresenceSpec } from "../../../core/model/dataplane-presence.ts";
import type { Resource } from "../../../core/model/resource.ts";
import type { DataplaneSpec } from "../../../core/model/types/dataplane.ts";
import { redis, serve } from "./serve.ts";

const SINCE = Date.UTC(2026, 0, 31, 3, 4, 11);

const presence = (parts: Partial<PresenceSpec> = {}): PresenceSpec => ({
  state: "connected",
  since: SINCE,
  reason: "its sidecar is connected",
  endpoints: "healthy",
  notReady: [],
  incarnation: "i",
  displaced: [],
  instance: "cp",
  epoch: 1,
  open: true,
  peer: "10.0.0.1",
  lifecycle: "direct",
  ownsDataplane: true,
  lastSeen: SINCE,
  lastSeenObserved: 0,
  ...parts,
});

const dataplane = (networking: Partial<DataplaneSpec["networking"]> = {}): Resource<DataplaneSpec> => ({
  type: "Dataplane",
  mesh: "default",
  name: "a",
  labels: {},
  spec: {
    networking: { address: "1.1.1.1", inbound: [{ port: 80 }, { port: 81, health: { ready: true } }], ...networking },
  },
  creationTime: SINCE,
  modificationTime: SINCE,
  version: 1,
  revision: 1,
});

test("readiness is merged when it is shown, not where it is stored", () => {
  const stored = dataplane();
  const before = structuredClone(stored);
  const shown = buildOverview({ dataplane: stored, insight: undefined, presence: presence({ notReady: [81] }) }) as {
    dataplane: { networking: { inbound: unknown } };
  };
  assert.deepEqual(shown.dataplane.networking.inbound, [{ port: 80 }, { port: 81, health: {}, state: "NotReady" }]);
  assert.deepEqual(stored, before);
});

test("a probed inbound is not ready before somebody said so, also one that its sidecar does not know yet", () => {
  const stored = dataplane({ inbound: [{ port: 80 }, { port: 81, serviceProbe: {} }] });
  const states = (known: PresenceSpec | undefined) => {
    const shown = buildOverview({ dataplane: stored, insight: undefined, presence: known }) as {
      dataplane: { networking: { inbound: readonly { state?: string }[] } };
    };
    return shown.dataplane.networking.inbound.map(({ state }) => state);
  };
  assert.deepEqual(states(undefined), [undefined, "NotReady"], "never connected");
  assert.deepEqual(states(presence({ probed: [] })), [undefined, "NotReady"]);
  assert.deepEqual(states(presence({ probed: [81] })), [undefined, undefined]);
  assert.deepEqual(states(presence({ probed: [], healthSequence: 1 })), [undefined, "NotReady"]);
  assert.deepEqual(
    states(presence({ probed: [], healthSequence: 0 })),
    [undefined, undefined],
    "it will never know it",
  );
  assert.deepEqual(states(presence({ probed: [81], notReady: [80, 81] })), ["NotReady", "NotReady"]);
  assert.deepEqual(states(presence()), [undefined, undefined], "its sidecar tells nothing");
});

test("all inbounds of a proxy that leaves are not ready; an ignored one stays ignored", () => {
  const stored = dataplane({ inbound: [{ port: 80 }, { port: 81, state: "Ignored" }] });
  const shown = buildOverview({
    dataplane: stored,
    insight: undefined,
    presence: presence({ state: "leaving", endpoints: "withdrawn" }),
  }) as Record<string, unknown>;
  assert.deepEqual(shown["dataplane"], {
    networking: {
      address: "1.1.1.1",
      inbound: [
        { port: 80, health: {}, state: "NotReady" },
        { port: 81, state: "Ignored" },
      ],
    },
  });
  assert.equal(shown["status"], "Leaving");
});

test("one word says how a proxy is", () => {
  const status = (given: PresenceSpec | undefined, of = dataplane()) =>
    buildOverview({ dataplane: of, insight: undefined, presence: given })["status"];
  assert.equal(status(presence()), "Online");
  assert.equal(status(presence({ notReady: [80] })), "Partially degraded");
  assert.equal(status(presence({ notReady: [80, 81] })), "Offline");
  assert.equal(status(presence(), dataplane({ inbound: [] })), "Online");
  assert.equal(status(presence(), dataplane({ inbound: [{ port: 1, health: {} }] })), "Offline");
  assert.equal(status(presence({ state: "lost", endpoints: "degraded" })), "Lost");
  assert.equal(status(presence({ state: "offline" })), "Offline");
  assert.equal(status(presence({ state: "left" })), "Offline");
  assert.equal(status(undefined), "Offline");
});

test("the overview under all its paths", async (t) => {
  const api = await serve(t);
  await api.put("/meshes/default/dataplanes/redis-1", redis());
  await api.put("/meshes/default/dataplanes/redis-2", redis("redis-2"));
  const key = { mesh: "default", name: "redis-1", labels: {} };
  await api.store.put({
    ...key,
    type: "DataplaneInsight",
    spec: { subscriptions: [{ id: "s", connectTime: SINCE, status: { total: { responsesSent: 3 } } }] },
  });
  await api.store.put({
    ...key,
    type: "DataplanePresence",
    spec: presence({ state: "lost", open: false, reason: "no sign of life", notReady: [9000] }),
  });
  const item = (await api.get("/meshes/default/dataplanes/redis-1/_overview")).json;
  assert.equal(item.type, "DataplaneOverview");
  assert.deepEqual(item.dataplane.networking.inbound[0].health, {});
  assert.equal(item.dataplane.networking.inbound[0].state, "NotReady");
  assert.deepEqual(item.dataplaneInsight, {
    subscriptions: [{ id: "s", connectTime: "2026-01-31T03:04:11.000Z", status: { total: { responsesSent: "3" } } }],
  });
  const { state, since, reason } = item.presence;
  assert.deepEqual([state, since, reason], ["lost", "2026-01-31T03:04:11.000Z", "no sign of life"]);
  assert.deepEqual(item.config, { state: "unknown" });
  assert.deepEqual([item.outbounds, item.calledBy], [[], []]);
  assert.deepEqual([item.status, item.reason], ["Lost", "no sign of life"]);
  assert.equal(item.networking, undefined, "the spec stands under dataplane only");
  for (const path of [
    "/meshes/default/dataplanes/_overview",
    "/meshes/default/dataplanes+insights",
    "/dataplanes/_overview",
    "/dataplanes+insights",
  ]) {
    const { json } = await api.get(path);
    assert.equal(json.total, 2);
    const { outbounds: _, calledBy: __, ...listed } = item;
    assert.deepEqual(json.items[0], listed);
    assert.deepEqual(json.items[1].presence, { state: "offline", reason: "never connected" });
    assert.deepEqual(json.items[1].dataplaneInsight, {});
  }
  assert.deepEqual((await api.get("/meshes/default/dataplanes+insights/redis-1")).json, item);
  assert.equal((await api.get("/meshes/default/dataplanes/nope/_overview")).status, 404);
  const plain = (await api.get("/meshes/default/dataplanes/redis-1")).json;
  assert.equal(plain.networking.inbound[0].state, undefined, "the resource itself shows what the user wrote");
  assert.equal((await api.get("/meshes/default/dataplane-insights/redis-1")).json.subscriptions[0].id, "s");
});

test("a page of many overviews holds the same as single ones", async (t) => {
  const api = await serve(t);
  for (let at = 0; at < 150; at++) {
    const name = `d${String(at).padStart(3, "0")}`;
    await api.store.put({
      type: "Dataplane",
      mesh: "default",
      name,
      labels: {},
      spec: { networking: { address: "1.1.1.1" } },
    });
    if (at % 2)
      await api.store.put({
        type: "DataplanePresence",
        mesh: "default",
        name,
        labels: {},
        spec: presence({ reason: `r${at}` }),
      });
  }
  const { json } = await api.get("/meshes/default/dataplanes/_overview?size=1000");
  assert.equal(json.items.length, 150);
  for (const [at, item] of json.items.entries()) {
    assert.equal(item.presence.reason, at % 2 ? `r${at}` : "never connected");
  }
});
