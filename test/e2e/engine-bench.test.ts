import assert from "node:assert/strict";
import { test } from "node:test";
import { startControlPlane } from "../bench/engine/control-plane.ts";
import { measure } from "../bench/engine/measure.ts";
import { scaleTable, table } from "../bench/engine/report.ts";
import { shapeFor } from "../bench/engine/shape.ts";

for (const variant of ["sotw", "delta"] as const) {
  test(`bench engine: 50 simulated sidecars (${variant}) join, and every change reaches every consumer`, async () => {
    await using plane = await startControlPlane();
    const figures = await measure(plane, {
      shape: shapeFor(50),
      variant,
      workers: 1,
      rounds: 2,
      settleSeconds: 0,
      idleSeconds: 0.2,
      lossSeconds: 0.5,
      gapMs: 0,
      patienceSeconds: 60,
      extensionBytes: 60_000,
      keepaliveMs: 1000,
      say: () => undefined,
    });
    assert.deepEqual(figures.failures, []);
    for (const [{ added, removed }, consumers] of [
      [figures.all, 50],
      [figures.few, 10],
    ] as const) {
      for (const latency of [added, removed]) {
        assert.equal(latency.consumers, consumers);
        assert.equal(latency.missing, 0);
        assert.ok(latency.p50 > 0 && latency.p50 <= latency.p99 && latency.p99 <= latency.max);
      }
    }
    if (figures.policy) assert.equal(figures.policy.latency.missing, 0);
    assert.ok(figures.connect.wall > 0 && figures.connect.cpu > 0);
    assert.ok(figures.settled.rss > figures.settled.anonymous && figures.settled.anonymous > 0);
    assert.ok(figures.loopLag && figures.loopLag.loss > 0);
    assert.match(table(figures).join("\n"), /connect all, first full configuration +\d/);
    assert.equal(scaleTable([figures]).length, 2);
  });
}
