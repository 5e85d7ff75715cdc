import assert from "node:assert/strict";
import { test } from "node:test";
import { dataplaneRows, dataplaneStatus } from "../../cmd/ctl/output/dataplane-table.ts";
import type { Json } from "../../cmd/ctl/output/json.ts";

const NOW = Date.UTC(2026, 0, 31, 3, 4, 11);
const AGO = new Date(NOW - 7200_000).toISOString();

/** As a stock Kuma control plane shows a Dataplane. */
function kumaOverview(subscription: Json | undefined, inbound: readonly Json[] = [{ port: 80 }]): Json {
  return {
    mesh: "default",
    name: "redis-1",
    dataplane: { networking: { address: "10.0.0.1", inbound } },
    dataplaneInsight: subscription ? { subscriptions: [subscription] } : {},
  };
}

const subscription = (total: Json, more: Json = {}) => ({ connectTime: AGO, status: { total }, ...more });

test("of a control plane that is no monomesh: Kuma's formula, and the counters of the insight", () => {
  const words = (overview: Json) => {
    const { status, connected, healthy, config, why } = dataplaneStatus(overview, NOW);
    return [status, connected, healthy, config, why];
  };
  const all = { responsesSent: "4", responsesAcknowledged: "4" };
  assert.deepEqual(words(kumaOverview(subscription(all))), ["Online", "2h", "1/1", "current", ""]);
  assert.deepEqual(words(kumaOverview(undefined)), ["Offline", "no, never", "1/1", "-", ""]);
  const ended = subscription(all, { disconnectTime: new Date(NOW - 60_000).toISOString() });
  assert.deepEqual(words(kumaOverview(ended)), ["Offline", "no, 1m", "1/1", "-", ""]);
  const half = [{ port: 80 }, { port: 81, health: {} }];
  assert.deepEqual(words(kumaOverview(subscription(all), half)), ["Partially degraded", "2h", "1/2", "current", ""]);
  const behind = { responsesSent: "5", responsesAcknowledged: "3" };
  assert.equal(words(kumaOverview(subscription(behind)))[3], "2 behind");
  const rejected = { ...behind, responsesRejected: "2" };
  assert.equal(words(kumaOverview(subscription(rejected)))[3], "rejected");
});

test("the summary recommends nothing that such a control plane cannot tell", () => {
  assert.equal(dataplaneRows([kumaOverview(undefined)], NOW, false).summary, "1 dataplane: 1 offline.\n");
  assert.match(dataplaneRows([], NOW, false).summary, /^No dataplanes\./);
});
