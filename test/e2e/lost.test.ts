import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { killSidecar } from "../../cmd/demo/demo-mesh.ts";
import { freePorts } from "../../cmd/demo/free-ports.ts";
import { get, startLoad } from "../../cmd/demo/load.ts";
import { eventually } from "../../cmd/demo/story.ts";
import { openTestMesh } from "../support/mesh.ts";

describe("an ungraceful end", () => {
  it("of one of two instances is noticed at once, deletes nothing, and the return restores it", async (test) => {
    const { mesh, http } = await openTestMesh(test);
    const [outbound = 0] = await freePorts(1);
    const first = await http("backend-1", "backend");
    await Promise.all([
      mesh.startSidecar(first),
      mesh.startSidecar(await http("backend-2", "backend")),
      mesh.startSidecar(await http("web-1", "web", new Map([[outbound, "backend"]]))),
    ]);
    await eventually(
      () => get(outbound, "/"),
      ({ status }) => status === 200,
    );
    const victim = mesh.sidecars.get("backend-1");
    assert.ok(victim);
    const load = startLoad(outbound, 100);
    await load.firstAnswer("backend-1", 5000);
    killSidecar(victim);
    await eventually(
      () => mesh.presence("backend-1"),
      (state) => state === "lost",
      3000,
    );
    await sleep(500);
    const report = await load.stop();
    test.diagnostic(`${report.failed} of ${report.requests} requests failed: ${JSON.stringify([...report.reasons])}`);
    assert.ok(report.failed <= 5, `${report.failed} failed`);
    await mesh.startSidecar(first);
    await eventually(
      () => mesh.presence("backend-1"),
      (state) => state === "connected",
    );
    await eventually(
      () => get(outbound, "/"),
      ({ body }) => body === "backend-1",
    );
  });

  it("of the control plane costs no request, loses nothing, and all come back", async (test) => {
    const { mesh, http } = await openTestMesh(test);
    const [outbound = 0] = await freePorts(1);
    await Promise.all([
      mesh.startSidecar(await http("backend-1", "backend")),
      mesh.startSidecar(await http("web-1", "web", new Map([[outbound, "backend"]]))),
    ]);
    await eventually(
      () => get(outbound, "/"),
      ({ status }) => status === 200,
    );
    const load = startLoad(outbound, 100);
    mesh.controlPlane().process.kill("SIGKILL");
    await mesh.controlPlane().exited;
    await sleep(1000);
    await mesh.startControlPlane();
    const up = performance.now();
    for (const name of ["backend-1", "web-1"])
      await eventually(
        () => mesh.presence(name),
        (state) => state === "connected",
        5000,
      );
    test.diagnostic(`all connected ${Math.round(performance.now() - up)} ms after the control plane was ready`);
    // A sidecar that joins now is served by the engine that started anew, with what the store kept.
    await mesh.startSidecar(await http("backend-2", "backend"));
    await eventually(
      () => get(outbound, "/"),
      ({ body }) => body === "backend-2",
    );
    const report = await load.stop();
    assert.equal(report.failed, 0, JSON.stringify([...report.reasons]));
  });
});
