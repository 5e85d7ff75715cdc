import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { startRole } from "../../cmd/demo/child.ts";
import { eventually } from "../../cmd/demo/eventually.ts";
import { get } from "../../cmd/demo/load.ts";
import { packaged } from "../support/executable.ts";
import { openTestMesh, startIndirect } from "../support/mesh.ts";

describe("Indirect", () => {
  it("waits for a Dataplane made through the API, serves it, and leaves it Offline", async (test) => {
    const { mesh, http } = await openTestMesh(test);
    const spec = await http("my-backend-dp", "backend");
    const sidecar = await startIndirect(test, mesh, spec.name);
    assert.match(
      (await sidecar.event("waiting")).text,
      /^waiting for Dataplane my-backend-dp in mesh default: .* \(monomesh apply -f FILE makes it\)$/,
    );
    const path = `/meshes/default/dataplanes/${spec.name}`;
    const put = await mesh.api.put(path, {
      type: "Dataplane",
      mesh: "default",
      name: spec.name,
      networking: {
        address: "127.0.0.1",
        inbound: [
          {
            port: spec.port,
            servicePort: spec.servicePort,
            tags: { "kuma.io/service": "backend", "kuma.io/protocol": "http" },
          },
        ],
      },
    });
    assert.equal(put.status, 201);
    await sidecar.event("serving");
    assert.equal(
      (
        await eventually(
          () => get(spec.port, "/"),
          ({ status }) => status === 200,
        )
      ).body,
      spec.name,
    );
    sidecar.process.kill("SIGTERM");
    assert.equal(await sidecar.exited, 0);
    const overview = (await mesh.api.get(`${path}/_overview`)).body as {
      presence?: { state: string };
      status?: string;
    };
    assert.equal(overview.presence?.state, "left");
    assert.equal(overview.status, "Offline");
  });

  it("wants name and mesh, and no definition beside them", async () => {
    const sidecar = startRole(["dp", "run", "--name=x"], { MONOMESH_IGNORE_KUMA_ENV: "1" }, packaged);
    assert.notEqual(await sidecar.exited, 0);
    assert.match(sidecar.events.map((each) => each.text).join("\n"), /mesh/);
  });
});
