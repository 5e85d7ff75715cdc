import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startHttpApp } from "../../cmd/demo/apps.ts";
import type { DemoMesh } from "../../cmd/demo/demo-mesh.ts";
import { eventually } from "../../cmd/demo/eventually.ts";
import { freePorts } from "../../cmd/demo/free-ports.ts";
import { get, startLoad } from "../../cmd/demo/load.ts";
import { openTestMesh, startIndirect } from "../support/mesh.ts";

interface Inbound {
  readonly state?: string;
  readonly health?: { readonly ready?: boolean };
}

/** The first inbound's state as REST shows it. */
async function stateOf(mesh: DemoMesh, name: string): Promise<string | undefined> {
  const { status, body } = await mesh.api.get(`/meshes/default/dataplanes/${name}/_overview`);
  if (status !== 200) return undefined;
  const overview = body as { readonly dataplane: { readonly networking: { readonly inbound: readonly Inbound[] } } };
  return overview.dataplane.networking.inbound[0]?.state ?? "Ready";
}

async function openProbedMesh(test: TestContext) {
  const { mesh, scope } = await openTestMesh(test);
  const [outbound = 0, port1 = 0, app1 = 0, port2 = 0, app2 = 0, webPort = 0, webApp = 0] = await freePorts(7);
  const backend = (name: string, port: number, servicePort: number) =>
    ({ name, service: "backend", protocol: "http", port, servicePort, probed: true, outbounds: new Map() }) as const;
  return {
    mesh,
    outbound,
    backend1: backend("backend-1", port1, app1),
    backend2: backend("backend-2", port2, app2),
    web: {
      name: "web-1",
      service: "web",
      protocol: "http",
      port: webPort,
      servicePort: webApp,
      outbounds: new Map([[outbound, "backend"]]),
    } as const,
    async startApp(name: string, port: number) {
      const app = scope.child(name);
      await startHttpApp(app, name, port);
      return app;
    },
  };
}

describe("service probes", () => {
  it("take traffic off an application that dies, within 2 s, and bring it back within 2 s", async (test) => {
    const { mesh, outbound, backend1, backend2, web, startApp } = await openProbedMesh(test);
    await startApp("backend-2", backend2.servicePort);
    await Promise.all([backend1, backend2, web].map((spec) => mesh.startSidecar(spec)));
    assert.equal(await stateOf(mesh, "backend-1"), "NotReady", "nothing listens behind it yet");
    await eventually(
      () => get(outbound, "/"),
      ({ status }) => status === 200,
    );
    const load = startLoad(outbound, 100);
    await sleep(500);
    const started = performance.now();
    const app = await startApp("backend-1", backend1.servicePort);
    await load.firstAnswer("backend-1", 2500);
    const ready = performance.now() - started;
    await sleep(1000);
    const died = performance.now();
    await app.close();
    await eventually(
      () => stateOf(mesh, "backend-1"),
      (state) => state === "NotReady",
      3000,
    );
    const noticed = performance.now() - died;
    await sleep(500);
    const report = await load.stop();
    assert.ok(ready < 2500 && noticed < 2500, `ready after ${ready} ms, noticed after ${noticed} ms`);
    assert.ok((report.answers.get("backend-1") ?? 0) > 10, "it had its share of the traffic");
    // Those that the application had accepted when it died; the others are sent again to the other instance.
    assert.ok(report.failed <= 5, `${report.failed} of ${report.requests} failed: ${[...report.reasons]}`);
    test.diagnostic(
      `ready after ${Math.round(ready)} ms, death noticed after ${Math.round(noticed)} ms, ${report.failed} of ${report.requests} requests failed`,
    );
    const [up] = mesh.sidecars.get("backend-1")?.events.filter(({ event }) => event === "app-down") ?? [];
    assert.match(up?.text ?? "", /nothing answers at 127\.0\.0\.1:\d+: inbound \d+ gets no traffic/);
  });

  it("and --wait-for-app survive a restart of the control plane and of the sidecar: a dead application never gets traffic", async (test) => {
    const { mesh, outbound, backend1: probed, backend2, web, startApp } = await openProbedMesh(test);
    const backend1 = { ...probed, probed: false };
    const wait = ["--wait-for-app"];
    await startApp("backend-2", backend2.servicePort);
    await Promise.all([mesh.startSidecar(backend1, wait), mesh.startSidecar(backend2), mesh.startSidecar(web)]);
    await eventually(
      () => get(outbound, "/"),
      ({ status }) => status === 200,
    );
    const load = startLoad(outbound, 50);
    const killed = mesh.controlPlane();
    killed.process.kill("SIGKILL");
    await killed.exited;
    await mesh.startControlPlane();
    const sidecar = mesh.sidecars.get("backend-1");
    await sidecar?.event("reconnected");
    await sleep(500);
    assert.equal(await stateOf(mesh, "backend-1"), "NotReady");
    sidecar?.process.kill("SIGTERM");
    await sidecar?.exited;
    await mesh.startSidecar(backend1, wait);
    await sleep(300);
    assert.equal(await stateOf(mesh, "backend-1"), "NotReady");
    const report = await load.stop();
    assert.deepEqual([...report.answers.keys()], ["backend-2"]);
    assert.deepEqual({ failed: report.failed, reasons: [...report.reasons] }, { failed: 0, reasons: [] });
  });

  it("follow the stored definition while the sidecar runs", async (test) => {
    const { mesh, backend1, startApp } = await openProbedMesh(test);
    const path = `/meshes/default/dataplanes/${backend1.name}`;
    const put = (probe?: object) =>
      mesh.api.put(path, {
        type: "Dataplane",
        mesh: "default",
        name: backend1.name,
        networking: {
          address: "127.0.0.1",
          inbound: [
            {
              port: backend1.port,
              servicePort: backend1.servicePort,
              tags: { "kuma.io/service": "backend" },
              ...(probe ? { serviceProbe: probe } : {}),
            },
          ],
        },
      });
    await put();
    const sidecar = await startIndirect(test, mesh, backend1.name);
    await sidecar.event("serving");
    assert.equal(await stateOf(mesh, backend1.name), "Ready", "nobody asked whether it answers");
    assert.equal((await put({ tcp: {} })).status, 200);
    assert.equal(await stateOf(mesh, backend1.name), "NotReady", "a probe that nobody has made yet");
    await startApp(backend1.name, backend1.servicePort);
    const becomes = (wanted: string) =>
      eventually(
        () => stateOf(mesh, backend1.name),
        (state) => state === wanted,
        4000,
      );
    await becomes("Ready");
    await put();
    assert.equal(await stateOf(mesh, backend1.name), "Ready");
  });
});
