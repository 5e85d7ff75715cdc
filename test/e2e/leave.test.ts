import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openTestMesh } from "../support/mesh.ts";
import { playLeave, playLeaveWithoutControlPlane } from "./scenarios/leave.ts";
import { openStage } from "./scenarios/stage.ts";

// Limits hold on a busy machine; `./build.sh bench presence` measures against the goals.
describe("a graceful leave", { concurrency: true }, () => {
  it("fails no request, gets none after the acknowledgement, and the Dataplane is gone when the process has ended (kuma#13403)", async (test) => {
    await using stage = await openStage();
    const { load, ...seen } = await playLeave(stage, { drainTime: "5s" });
    test.diagnostic(`${load.requests} requests; ${JSON.stringify(seen)}`);
    assert.deepEqual({ failed: load.failed, reasons: [...load.reasons] }, { failed: 0, reasons: [] });
    assert.deepEqual([seen.exitCode, seen.resourceStatus, seen.consumers, seen.missing], [0, 404, 1, []]);
    assert.ok(seen.lastAfterSignalMs < 2000, `the leaver got a request ${seen.lastAfterSignalMs} ms after SIGTERM`);
    assert.ok(
      seen.lastAfterAckMs < 500,
      `the leaver got a request ${seen.lastAfterAckMs} ms after the acknowledgement`,
    );
  });

  it("drains the whole time when the control plane is away, and serves whoever was not told", async (test) => {
    await using stage = await openStage();
    const { load, exitMs, answeredWhileDraining } = await playLeaveWithoutControlPlane(stage, "3s");
    test.diagnostic(`${load.requests} requests, ${answeredWhileDraining} of them to the leaver in ${exitMs} ms`);
    assert.equal(load.failed, 0, JSON.stringify([...load.reasons]));
    assert.ok(exitMs >= 3000, `it ended after ${exitMs} ms`);
    assert.ok(answeredWhileDraining > 5);
  });

  it("names a consumer that does not confirm, and drains the whole time for its sake", async (test) => {
    await using stage = await openStage({ more: 1 });
    const frozen = stage.sidecar("more-1").process;
    frozen.kill("SIGSTOP");
    try {
      const { load, ...seen } = await playLeave(stage, { drainTime: "2s" });
      test.diagnostic(JSON.stringify(seen));
      assert.deepEqual([seen.consumers, seen.missing], [2, ["more-1"]]);
      assert.ok(seen.withdrawnMs >= 1900 && seen.withdrawnMs < 4000, `answered after ${seen.withdrawnMs} ms`);
      assert.ok(seen.exitMs >= 3900, `it ended after ${seen.exitMs} ms`);
      assert.deepEqual([load.failed, seen.resourceStatus], [0, 404], JSON.stringify([...load.reasons]));
    } finally {
      frozen.kill("SIGCONT");
    }
  });

  it("stops at once at a second signal", async (test) => {
    const { mesh, http } = await openTestMesh(test);
    const sidecar = await mesh.startSidecar(await http("backend-1", "backend"), ["--drain-time=60s"]);
    sidecar.process.kill("SIGTERM");
    await sleep(200);
    const started = performance.now();
    sidecar.process.kill("SIGTERM");
    assert.equal(await sidecar.exited, 0);
    assert.ok(performance.now() - started < 5000);
  });
});
