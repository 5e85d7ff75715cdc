import assert from "node:assert/strict";
import { request } from "node:http";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { freePorts } from "../../cmd/demo/free-ports.ts";
import { get, startLoad } from "../../cmd/demo/load.ts";
import { eventually } from "../../cmd/demo/story.ts";
import { openTestMesh } from "../support/mesh.ts";

describe("a graceful leave", () => {
  it("fails no request, withdraws before it drains, and the Dataplane is gone when the process has ended", async (test) => {
    const { mesh, http } = await openTestMesh(test);
    const [outbound = 0] = await freePorts(1);
    await Promise.all([
      mesh.startSidecar(await http("backend-1", "backend")),
      mesh.startSidecar(await http("backend-2", "backend")),
      mesh.startSidecar(await http("web-1", "web", new Map([[outbound, "backend"]]))),
    ]);
    await eventually(
      () => get(outbound, "/"),
      ({ status }) => status === 200,
    );
    const load = startLoad(outbound, 100);
    await Promise.all([load.firstAnswer("backend-1", 5000), load.firstAnswer("backend-2", 5000)]);
    const leaver = mesh.sidecars.get("backend-1");
    assert.ok(leaver);
    leaver.process.kill("SIGTERM");
    assert.equal(await leaver.exited, 0);
    const answer = await mesh.api.get("/meshes/default/dataplanes/backend-1");
    assert.equal(answer.status, 404);
    const report = await load.stop();
    assert.deepEqual({ failed: report.failed, reasons: [...report.reasons] }, { failed: 0, reasons: [] });
    test.diagnostic(`${report.requests} requests, answers ${JSON.stringify([...report.answers])}`);
  });

  it("tells HTTP/1.1 clients to close while it drains, still accepts, and is not ready", async (test) => {
    const { mesh, http } = await openTestMesh(test);
    const spec = await http("backend-1", "backend");
    const sidecar = await mesh.startSidecar(spec, ["--drain-time=4s"]);
    const before = await headersOf(spec.port);
    assert.notEqual(before["connection"], "close");
    sidecar.process.kill("SIGTERM");
    await eventually(
      async () => (await headersOf(spec.port))["connection"],
      (value) => value === "close",
      3000,
    );
    sidecar.process.kill("SIGTERM");
    assert.equal(await sidecar.exited, 0);
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

/** On a kept-alive connection, so that `connection: close` is the server's word. */
function headersOf(port: number): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host: "127.0.0.1", port, path: "/", headers: { connection: "keep-alive" } },
      (response) => {
        response.resume();
        response.on("end", () => resolve(response.headers));
      },
    );
    outgoing.on("error", reject);
    outgoing.end();
  });
}
