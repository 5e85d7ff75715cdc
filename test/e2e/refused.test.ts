import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import { expectOk } from "../../cmd/ctl/rest-client.ts";
import { eventually } from "../../cmd/demo/eventually.ts";
import { get } from "../../cmd/demo/load.ts";
import { openTestMesh, startIndirect } from "../support/mesh.ts";

interface Overview {
  readonly dataplaneInsight?: {
    readonly rejections?: readonly {
      readonly type: string;
      readonly resource?: string;
      readonly policies?: readonly { readonly type: string; readonly name: string }[];
      readonly message: string;
    }[];
  };
}

test("what an Envoy refuses is told with the resource and the policies behind it", async (test) => {
  const { mesh, http, scope } = await openTestMesh(test);
  const { name, service, port, servicePort } = await http("backend-1", "backend");
  const put = async (path: string, body: object) =>
    expectOk(await mesh.api.put(`/meshes/default/${path}`, { mesh: "default", ...body }), "it was refused");
  const putDataplane = (...ports: number[]) => {
    const inbound = ports.map((port) => ({ port, servicePort, tags: { "kuma.io/service": service } }));
    return put(`dataplanes/${name}`, { type: "Dataplane", name, networking: { address: "127.0.0.1", inbound } });
  };
  const spec = { targetRef: { kind: "Dataplane" }, rules: [{ default: { idleTimeout: "5h" } }] };
  await put("meshtimeouts/patient", { type: "MeshTimeout", name: "patient", spec });
  await putDataplane(port);
  const sidecar = await startIndirect(test, mesh, name);
  await sidecar.event("serving");

  // A second inbound, on a port that somebody else has.
  const thief = createServer().listen(0, "127.0.0.1");
  scope.defer(() => void thief.close());
  await once(thief, "listening");
  const taken = (thief.address() as AddressInfo).port;
  await putDataplane(port, taken);
  const refused = await eventually(
    async () =>
      ((await mesh.api.get(`/meshes/default/dataplanes/${name}/_overview`)).body as Overview).dataplaneInsight
        ?.rejections?.[0],
    (rejection) => rejection !== undefined,
  );
  const listener = `inbound:127.0.0.1:${taken}`;
  assert.deepEqual([refused?.type, refused?.resource], ["lds", listener]);
  assert.match(refused?.message ?? "", /Address already in use/);
  const names = refused?.policies?.map(({ type, name }) => `${type} ${name}`) ?? [];
  assert.ok(names.includes("MeshTimeout patient"), `${names}`);

  const { items } = (await mesh.api.get(`/_events?name=${name}`)).body as {
    items: { kind: string; detail: string }[];
  };
  const told = items.find(({ kind }) => kind === "rejected");
  assert.match(told?.detail ?? "", new RegExp(`${listener}: .*its policies: .*MeshTimeout patient`, "s"));
  assert.equal((await get(port, "/")).status, 200, "it goes on with what it had");
});
