import assert from "node:assert/strict";
import { test } from "node:test";
import { kumaStatus, proxyStatus } from "../../../core/insight/status.ts";
import type { PresenceSpec } from "../../../core/model/dataplane-presence.ts";
import type { DataplaneSpec } from "../../../core/model/types/dataplane.ts";
import type { DataplaneInsightSpec } from "../../../core/model/types/dataplane-insight.ts";

type Inbound = NonNullable<DataplaneSpec["networking"]["inbound"]>[number];

const dataplane = (...inbound: Omit<Inbound, "port">[]): DataplaneSpec => ({
  networking: { address: "10.0.0.1", inbound: inbound.map((each, at) => ({ port: 9000 + at, ...each })) },
});
const open: DataplaneInsightSpec = {
  subscriptions: [
    { id: "a", connectTime: 1, disconnectTime: 2 },
    { id: "b", connectTime: 3 },
  ],
};
const closed: DataplaneInsightSpec = { subscriptions: [{ id: "a", connectTime: 1, disconnectTime: 2 }] };
const presence = (change: Partial<PresenceSpec> = {}): PresenceSpec => ({
  state: "connected",
  since: 1,
  reason: "connected from 10.0.0.1:4000",
  endpoints: "healthy",
  notReady: [],
  incarnation: "i1",
  displaced: [],
  instance: "cp-1",
  epoch: 1,
  open: true,
  peer: "10.0.0.1:4000",
  lifecycle: "direct",
  ownsDataplane: true,
  lastSeen: 1,
  lastSeenObserved: 1,
  ...change,
});

const gateway: DataplaneSpec = { networking: { address: "10.0.0.1", gateway: { tags: {} } } };
const zone: DataplaneSpec = {
  networking: {
    address: "10.0.0.1",
    listeners: [{ type: "ZoneIngress", address: "10.0.0.1", port: 1, state: "NotReady" }],
  },
};

const kuma: readonly [string, DataplaneSpec, DataplaneInsightSpec | undefined, PresenceSpec | undefined, string][] = [
  ["no insight", dataplane({}), undefined, undefined, "Offline"],
  ["all subscriptions closed", dataplane({}), closed, undefined, "Offline"],
  ["a subscription is open", dataplane({}, {}), open, undefined, "Online"],
  ["a gateway", gateway, open, undefined, "Online"],
  ["a gateway that is away", gateway, closed, undefined, "Offline"],
  ["no inbound", dataplane(), open, undefined, "Offline"],
  ["one of two not ready by its health", dataplane({}, { health: {} }), open, undefined, "Partially degraded"],
  ["one of two not ready by its state", dataplane({}, { state: "NotReady" }), open, undefined, "Partially degraded"],
  ["ignored counts as ready", dataplane({ state: "Ignored" }), open, presence({ notReady: [9000] }), "Online"],
  ["none ready", dataplane({ health: {} }), open, undefined, "Offline"],
  ["a probe failed", dataplane({}, {}), open, presence({ notReady: [9001] }), "Partially degraded"],
  ["it leaves", dataplane({}), open, presence({ state: "leaving", endpoints: "withdrawn" }), "Offline"],
  ["lost, not offline yet", dataplane({}), open, presence({ state: "lost", endpoints: "degraded" }), "Online"],
  ["a zone proxy's listener is not ready", zone, open, undefined, "Offline"],
];
for (const [what, dp, insight, record, expected] of kuma) {
  test(`Kuma's word: ${what}: ${expected}`, () => assert.equal(kumaStatus(dp, insight, record), expected));
}

const refused: DataplaneInsightSpec = {
  ...open,
  rejections: [
    { type: "cds", message: "bad cluster", time: 1 },
    { type: "lds", message: "bad port", time: 2, acceptedTime: 3 },
  ],
};
const ours: readonly [
  string,
  DataplaneSpec,
  DataplaneInsightSpec | undefined,
  PresenceSpec | undefined,
  string,
  RegExp,
][] = [
  ["never connected", dataplane({}), undefined, undefined, "Offline", /^never connected$/],
  ["connected", dataplane({}), open, presence(), "Online", /^$/],
  ["connected without inbounds", dataplane(), open, presence(), "Online", /^$/],
  ["lost", dataplane({}), open, presence({ state: "lost", reason: "reset" }), "Lost", /^reset$/],
  ["leaving", dataplane({}), open, presence({ state: "leaving", reason: "asked" }), "Leaving", /^asked$/],
  ["left", dataplane({}), closed, presence({ state: "left", reason: "left" }), "Offline", /^left$/],
  ["offline", dataplane({}), closed, presence({ state: "offline", reason: "idle" }), "Offline", /^idle$/],
  [
    "one of two does not answer",
    dataplane({}, {}),
    open,
    presence({ notReady: [9001] }),
    "Partially degraded",
    /port 9001$/,
  ],
  ["none answers", dataplane({}, {}), open, presence({ notReady: [9000, 9001] }), "Offline", /port 9000, 9001$/],
  [
    "Envoy refused its configuration",
    dataplane({}),
    refused,
    presence(),
    "Online",
    /refused its newest cds: bad cluster$/,
  ],
  [
    "it runs twice",
    dataplane({}),
    open,
    presence({ rival: "x", reason: "another at x waits" }),
    "Online",
    /another at x/,
  ],
];
for (const [what, dp, insight, record, status, reason] of ours) {
  test(`our word: ${what}: ${status}`, () => {
    const got = proxyStatus(dp, insight, record);
    assert.equal(got.status, status);
    assert.match(got.reason, reason);
  });
}
