import assert from "node:assert/strict";
import { test } from "node:test";
import { configStatus, rejectionText, resourceNamedIn } from "../../../core/insight/config-status.ts";
import type { DataplaneInsightSpec } from "../../../core/model/types/dataplane-insight.ts";

type Total = NonNullable<NonNullable<NonNullable<DataplaneInsightSpec["subscriptions"]>[number]["status"]>["total"]>;

const MESSAGE =
  "Error adding/updating listener(s) inbound:10.0.0.23:80: cannot bind '10.0.0.23:80': Address already in use\n";
const rejection = { type: "lds", resource: "inbound:10.0.0.23:80", message: MESSAGE, time: 500 };

function insight(total: Total, rejections: DataplaneInsightSpec["rejections"] = []): DataplaneInsightSpec {
  return { subscriptions: [{ id: "s", connectTime: 1, status: { lastUpdateTime: 400, total } }], rejections };
}

test("from the memory of the control plane that holds the stream", () => {
  const fresh = { wanted: 9, acknowledged: 9, behind: 0, since: 100 };
  const stale = insight({ responsesSent: 5 });
  assert.deepEqual(configStatus(true, stale, fresh), { ...fresh, state: "current", reason: "" });
  const behind = { wanted: 12, acknowledged: 9, behind: 3, since: 200 };
  assert.deepEqual(configStatus(true, stale, behind), { ...behind, state: "behind", reason: "not acknowledged yet" });
  const refused = configStatus(true, insight({}, [rejection]), behind);
  assert.deepEqual([refused.state, refused.since, refused.behind], ["rejected", 500, 3]);
  assert.equal(
    refused.reason,
    "Envoy refused inbound:10.0.0.23:80 (lds): cannot bind '10.0.0.23:80': Address already in use",
  );
  assert.equal(configStatus(true, insight({}, [rejection]), fresh).state, "current", "it accepted something newer");
});

test("from the stored counters, where another control plane holds the stream", () => {
  const state = (of: DataplaneInsightSpec | undefined) => {
    const { state, behind, since } = configStatus(true, of, undefined);
    return [state, behind, since];
  };
  assert.deepEqual(state(undefined), ["unknown", 0, undefined]);
  assert.deepEqual(state(insight({ responsesSent: 4, responsesAcknowledged: 4 })), ["current", 0, undefined]);
  assert.deepEqual(state(insight({ responsesSent: 6, responsesAcknowledged: 4 })), ["behind", 2, 400]);
  const counts = { responsesSent: 5, responsesAcknowledged: 4, responsesRejected: 1 };
  assert.deepEqual(state(insight(counts, [rejection])), ["rejected", 1, 500]);
  assert.deepEqual(state(insight(counts, [{ ...rejection, acceptedTime: 600 }])), ["current", 0, undefined]);
});

test("nothing is claimed of a proxy without a stream", () => {
  const fresh = { wanted: 9, acknowledged: 9, behind: 0, since: 100 };
  assert.equal(configStatus(false, insight({}, [rejection]), fresh).state, "unknown");
});

test("the resource that Envoy names", () => {
  assert.equal(resourceNamedIn(MESSAGE), "inbound:10.0.0.23:80");
  assert.equal(resourceNamedIn("Error adding/updating cluster(s) redis: no such file\n"), "redis");
  assert.equal(resourceNamedIn("Proto constraint validation failed"), undefined);
  assert.equal(rejectionText({ type: "rds", message: "bad", time: 1 }), "Envoy refused its newest rds: bad");
});

test("the policies that had a say in it", () => {
  const policies = [
    { type: "MeshTimeout", name: "slow" },
    { type: "MeshTimeout", name: "all" },
  ];
  assert.equal(
    rejectionText({ ...rejection, policies }),
    "Envoy refused inbound:10.0.0.23:80 (lds): cannot bind '10.0.0.23:80': Address already in use (its policies: MeshTimeout slow, MeshTimeout all)",
  );
});
