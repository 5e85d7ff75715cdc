import assert from "node:assert/strict";
import { test } from "node:test";
import type { Workload } from "../../../../core/model/types/dataplane.ts";
import { ApplicationProbes } from "../../../../core/sidecar/probes/application-probes.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

const workload = (port: number): Workload => ({ port, address: "127.0.0.1", servicePort: port, probe: undefined });

test("while Envoy does nothing no inbound is ready; afterwards the applications decide again", () => {
  using probes = new ApplicationProbes({ clock: new ManualClock(), waitForApp: false });
  let told = 0;
  probes.onChange((news) => {
    assert.equal(news, undefined, "no application is the reason");
    told++;
  });
  probes.follow([workload(80), workload(81)]);
  assert.deepEqual(probes.health, { sequence: 0, notReady: [], probed: [] });
  probes.withhold(true);
  probes.withhold(true);
  assert.deepEqual(probes.health, { sequence: 1, notReady: [80, 81], probed: [80, 81] });
  probes.follow([workload(80), workload(81), workload(82)]);
  assert.deepEqual(probes.health.notReady, [80, 81, 82], "a new inbound neither");
  probes.withhold(false);
  assert.deepEqual(probes.health, { sequence: 3, notReady: [], probed: [] });
  assert.equal(told, 3);
});
