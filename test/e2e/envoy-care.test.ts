import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../../cmd/demo/eventually.ts";
import { freePorts } from "../../cmd/demo/free-ports.ts";
import { get, startLoad } from "../../cmd/demo/load.ts";
import { kill, lastEnvoy } from "../cmd/dp/sidecar-world.ts";
import { openTestMesh } from "../support/mesh.ts";

test("an Envoy that crashes or stands still costs its service little, and the mesh sees no new proxy", async (test) => {
  const { mesh, http } = await openTestMesh(test);
  const [outbound = 0] = await freePorts(1);
  const [victim] = await Promise.all([
    mesh.startSidecar(await http("backend-1", "backend")),
    mesh.startSidecar(await http("backend-2", "backend")),
    mesh.startSidecar(await http("web-1", "web", new Map([[outbound, "backend"]]))),
  ]);
  const overview = async () =>
    (await mesh.api.get("/meshes/default/dataplanes/backend-1/_overview")) as {
      status: number;
      body: { dataplane?: { modificationTime?: string }; creationTime?: string; presence?: { state: string } };
    };
  await eventually(
    () => get(outbound, "/"),
    ({ status }) => status === 200,
  );
  const before = await overview();

  await test.test("a crash", async (test) => {
    const load = startLoad(outbound, 100);
    const states = new Set<string | undefined>();
    let watching = true;
    const watcher = (async () => {
      while (watching) {
        states.add((await overview()).body.presence?.state);
        await sleep(10);
      }
    })();
    kill(lastEnvoy(victim) ?? 0, "SIGKILL");
    await victim.event("envoy-crashed");
    await load.firstAnswer("backend-2", 5000);
    await eventually(
      () => mesh.presence("backend-1"),
      (state) => state === "connected",
      5000,
    );
    await load.firstAnswer("backend-1", 5000);
    const report = await load.stop();
    watching = false;
    await watcher;
    test.diagnostic(`${report.failed} of ${report.requests} requests failed: ${JSON.stringify([...report.reasons])}`);
    assert.ok(report.failed <= 5, `${report.failed} failed`);
    const events = (await mesh.api.get("/_events?name=backend-1")).body as {
      items: { kind: string; detail: string }[];
    };
    const back = events.items.find(({ kind, detail }) => kind === "back" || detail.includes("SIGKILL"));
    assert.match(back?.detail ?? "", /its Envoy had ended by SIGKILL from outside/);
    assert.deepEqual(
      [...states].filter((state) => state !== "connected" && state !== "lost"),
      [],
      "no leave, and never missing",
    );
    assert.equal((await overview()).body.creationTime, before.body.creationTime);
  });

  await test.test("a stop", async (test) => {
    const envoy = lastEnvoy(victim) ?? 0;
    kill(envoy, "SIGSTOP");
    const stopped = performance.now();
    await victim.event("envoy-frozen");
    // In use no more: every answer comes at once, from the other instance.
    await eventually(
      async () => {
        const began = performance.now();
        const bodies = new Set<string>();
        for (let count = 0; count < 20; count++)
          bodies.add((await get(outbound, "/").catch(() => ({ body: "none" }))).body);
        return { bodies, took: performance.now() - began };
      },
      ({ bodies, took }) => [...bodies].join() === "backend-2" && took < 2000,
      15_000,
    );
    test.diagnostic(`out of use ${Math.round(performance.now() - stopped)} ms after the stop`);
    assert.equal(await mesh.presence("backend-1"), "connected");
    const shown = (await overview()).body as { status?: string; reason?: string };
    assert.deepEqual(
      [shown.status, shown.reason],
      ["Offline", "Envoy is stopped by a signal (kill -CONT lets it go on)"],
    );
    kill(envoy, "SIGCONT");
    await eventually(
      () => get(outbound, "/"),
      ({ body }) => body === "backend-1",
      10_000,
    );
    assert.equal(lastEnvoy(victim), envoy);
    const { reason = "" } = (await overview()).body as { reason?: string };
    assert.equal(reason, "", "nothing to say any more");
  });
});
