import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { test } from "node:test";
import { apiDeps, JSON_TYPE, redis, type Send, serve } from "./serve.ts";

/** Every way in that changes something or shows a secret. */
const GUARDED: readonly (readonly [string, Send])[] = [
  ["/meshes/default/dataplanes/redis-1", { method: "PUT", headers: JSON_TYPE, body: JSON.stringify(redis()) }],
  ["/meshes/default/dataplanes/redis-1", { method: "DELETE" }],
  ["/meshes/other", { method: "PUT", headers: JSON_TYPE, body: '{"type":"Mesh","name":"other"}' }],
  ["/meshes/default", { method: "DELETE" }],
  ["/tokens/dataplane", { method: "POST", headers: JSON_TYPE, body: '{"mesh":"default"}' }],
  ["/meshes/default/secrets", {}],
  ["/meshes/default/secrets/s", {}],
  ["/secrets", {}],
  ["/globalsecrets", {}],
  ["/global-secrets/g", {}],
  ["/_kri/kri_sec_default___s_", {}],
];

const OPEN = [
  "/",
  "/config",
  "/meshes",
  "/meshes/default",
  "/dataplanes",
  "/meshes/default/dataplanes/_overview",
  "/_resources",
  "/policies",
  "/who-am-i",
];

const STRANGER_HEADERS: readonly Record<string, string>[] = [
  { host: "mesh.example.com:5681" },
  { "x-forwarded-for": "10.1.1.1" },
  { "x-real-ip": "10.1.1.1" },
  { forwarded: "for=10.1.1.1" },
  { "sec-fetch-site": "cross-site" },
  { origin: "https://evil.example.com" },
];

test("no open door: who is not on this machine writes nothing and reads no secret", async (t) => {
  const api = await serve(t);
  await api.put("/meshes/default/secrets/s", { type: "Secret", mesh: "default", name: "s", data: "YQ==" });
  await api.put("/globalsecrets/g", { type: "GlobalSecret", name: "g", data: "YQ==" });
  const revision = await api.store.revision();
  for (const stranger of STRANGER_HEADERS) {
    for (const [path, send] of GUARDED) {
      const answer = await api.send(path, { ...send, headers: { ...send.headers, ...stranger } });
      const what = `${send.method ?? "GET"} ${path} with ${JSON.stringify(stranger)}`;
      assert.equal(answer.status, 403, what);
      assert.equal(answer.json.title, "Access Denied");
      assert.match(answer.json.detail, /tokens/, "it says how this will be opened");
      assert.doesNotMatch(answer.text, /YQ==/);
    }
    for (const path of OPEN) assert.equal((await api.send(path, { headers: stranger })).status, 200, path);
    assert.equal((await api.send("/who-am-i", { headers: stranger })).json.name, "mesh-system:anonymous");
  }
  assert.equal(await api.store.revision(), revision, "nothing was written");
  assert.deepEqual(api.tokenRequests, []);
  assert.equal((await api.get("/who-am-i")).json.name, "mesh-system:admin");
});

test("a stranger's body is not even read", async (t) => {
  const api = await serve(t);
  const headers = { ...JSON_TYPE, host: "example.com" };
  const answer = await api.send("/meshes/other", { method: "PUT", headers, body: "[".repeat(500_000) });
  assert.equal(answer.status, 403);
});

test("where localhost is no admin, nobody is", async (t) => {
  const api = await serve(t, { localhostIsAdmin: false });
  const answer = await api.put("/meshes/other", { type: "Mesh", name: "other" });
  assert.equal(answer.status, 403);
  assert.match(answer.json.detail, /localhostIsAdmin/);
});

const outer = Object.values(networkInterfaces())
  .flat()
  .find((each) => each?.family === "IPv4" && !each.internal)?.address;

test("a caller over another address of this machine is no local caller", { skip: outer === undefined }, async (t) => {
  const { createApiServer } = await import("../../../core/api/api-server.ts");
  const api = await serve(t);
  await using server = createApiServer(apiDeps(api.store));
  const { port } = await server.listen("0.0.0.0", 0);
  const url = `http://${outer}:${port}`;
  assert.equal((await fetch(`${url}/meshes`)).status, 200);
  assert.equal((await fetch(`${url}/meshes/default`, { method: "DELETE" })).status, 403);
  assert.equal(
    (await fetch(`http://localhost:${port}/who-am-i`).then((answer) => answer.json() as Promise<{ name: string }>))
      .name,
    "mesh-system:admin",
  );
});
