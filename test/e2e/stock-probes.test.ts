import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { startHttpApp } from "../../cmd/demo/apps.ts";
import { eventually } from "../../cmd/demo/eventually.ts";
import { freePorts } from "../../cmd/demo/free-ports.ts";
import { openTestMesh } from "../support/mesh.ts";
import { startStockSidecar } from "../support/stock-sidecar.ts";

interface Overview {
  readonly dataplane: { readonly networking: { readonly inbound: readonly Inbound[] } };
  readonly status: string;
  readonly presence: { readonly state: string; readonly reason: string };
}

interface Inbound {
  readonly port: number;
  readonly state?: string;
  readonly health?: unknown;
}

describe("the probes of a stock sidecar", () => {
  it("are told to it by HDS; what it reports, its draining too, decides about its inbounds", async (test) => {
    const { mesh, scope } = await openTestMesh(test, { MONOMESH_DP_SERVER_HDS_INTERVAL: "1s" });
    const [port = 0, other = 0, appPort = 0] = await freePorts(3);
    const definition = {
      type: "Dataplane",
      mesh: "default",
      name: "backend-1",
      networking: {
        address: "127.0.0.1",
        inbound: [
          {
            port,
            servicePort: appPort,
            tags: { "kuma.io/service": "backend", "kuma.io/protocol": "http" },
            serviceProbe: { tcp: {} },
          },
          { port: other, servicePort: appPort, tags: { "kuma.io/service": "other" } },
        ],
      },
    };
    const overview = async () =>
      (await mesh.api.get("/meshes/default/dataplanes/backend-1/_overview")).body as Overview | undefined;
    const states = async () => {
      const shown = await overview();
      const inbound = shown?.dataplane?.networking.inbound ?? [];
      return `${shown?.presence?.state} ${inbound.map((each) => each.state ?? "Ready").join(" ")}`;
    };
    const shows = (wanted: string, limit = 10_000) => eventually(states, (got) => got === wanted, limit);

    const app = scope.child("app");
    await using envoy = await startStockSidecar({
      api: mesh.apiUrl,
      dpAddress: mesh.dpAddress,
      name: "backend-1",
      definition,
    });
    await shows("connected NotReady Ready");
    await startHttpApp(app, "backend-1", appPort);
    await shows("connected Ready Ready");
    await app.close();
    await shows("connected NotReady Ready");
    const [down] = (await overview())?.dataplane.networking.inbound ?? [];
    assert.deepEqual([down?.state, down?.health], ["NotReady", {}]);

    // A changed definition is told at once.
    const stored = await mesh.api.get("/meshes/default/dataplanes/backend-1");
    const changed = stored.body as typeof definition;
    changed.networking.inbound[1] = { ...changed.networking.inbound[1], serviceProbe: { tcp: {} } } as never;
    assert.equal((await mesh.api.put("/meshes/default/dataplanes/backend-1", changed)).status, 200);
    await shows("connected NotReady NotReady");
    const again = scope.child("app");
    await startHttpApp(again, "backend-1", appPort);
    await shows("connected Ready Ready");

    assert.equal(await envoy.post("/healthcheck/fail"), "OK\n");
    await shows("leaving NotReady NotReady");
    assert.match(await envoy.admin("/ready"), /DRAINING/);
    envoy.signal("SIGTERM");
    await eventually(
      async () => (await mesh.api.get("/meshes/default/dataplanes/backend-1")).status,
      (status) => status === 404,
    );
  });
});
