import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createMetrics } from "../../cmd/cp/metrics.ts";
import { StreamCounts } from "../../core/dp-server/stream-counts.ts";
import { systemClock } from "../../core/kernel/clock.ts";
import { silentLogger } from "../../core/kernel/log.ts";
import { Scope } from "../../core/kernel/scope.ts";
import { createPushEngine } from "../../core/push/push-engine.ts";
import { createMemoryStore } from "../../plugins/store-memory/memory-store.ts";

async function scrape(streams = new StreamCounts()): Promise<string> {
  const store = createMemoryStore();
  const scope = new Scope("test");
  const resolve = () => Promise.reject(new Error("no names here"));
  const engine = createPushEngine({ store, scope, clock: systemClock, log: silentLogger, resolve });
  const initialSyncs = { underWay: 3, waiting: 4 };
  const metrics = await createMetrics({ push: () => engine.stats(), dp: () => ({ streams, initialSyncs }), store });
  const text = await metrics.metrics();
  assert.equal(await metrics.metrics().then((again) => again.split("\n").length), text.split("\n").length);
  await scope.close();
  await store.close();
  return text;
}

const names = (text: string) => new Set(text.match(/^monomesh_\w+/gm));

test("metrics count what streams do, by type", async () => {
  const streams = new StreamCounts();
  streams.open = 2;
  streams.sent.cluster = 5;
  streams.refused.listener = 1;
  const text = await scrape(streams);
  for (const line of [
    "monomesh_streams 2",
    'monomesh_responses_sent_total{type="cluster"} 5',
    'monomesh_responses_refused_total{type="listener"} 1',
    'monomesh_responses_refused_total{type="cluster"} 0',
    "monomesh_initial_syncs 3",
    "monomesh_initial_syncs_waiting 4",
  ]) {
    assert.ok(text.split("\n").includes(line), line);
  }
  assert.match(text, /^monomesh_event_loop_lag_seconds\{quantile="0.99"\} \d/m);
});

test("every expression of the Grafana dashboard names a metric that exists, and every metric is shown", async () => {
  const exported = names(await scrape());
  const file = join(import.meta.dirname, "../../docs/grafana/monomesh.json");
  const dashboard = JSON.parse(readFileSync(file, "utf8")) as {
    panels: { title: string; targets: { expr: string }[] }[];
  };
  const shown = new Set<string>();
  for (const { title, targets } of dashboard.panels) {
    for (const { expr } of targets) {
      const used = expr.match(/monomesh_\w+/g) ?? [];
      assert.ok(used.length > 0, title);
      for (const name of used) {
        assert.ok(exported.has(name), `${title}: there is no ${name}`);
        shown.add(name);
      }
    }
  }
  const parts = ["monomesh_convergence_seconds_sum", "monomesh_convergence_seconds_count", "monomesh_dns_names"];
  assert.deepEqual(
    [...exported].filter((name) => !shown.has(name) && !parts.includes(name)),
    [],
  );
});
