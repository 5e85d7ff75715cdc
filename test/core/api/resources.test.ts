import assert from "node:assert/strict";
import { test } from "node:test";
import { MeshError } from "../../../core/kernel/errors.ts";
import type { ResourceStore } from "../../../core/store/resource-store.ts";
import { createMemoryStore } from "../../../plugins/store-memory/memory-store.ts";
import { JSON_TYPE, redis, serve } from "./serve.ts";

const ITEM = "/meshes/default/dataplanes/redis-1";

test("a resource is created, read, updated and deleted with Kuma's statuses and bodies", async (t) => {
  const api = await serve(t);
  const created = await api.put(ITEM, redis());
  assert.deepEqual(
    [created.status, created.json, created.headers["content-type"]],
    [201, {}, "application/json; charset=utf-8"],
  );
  const first = (await api.get(ITEM)).json;
  const updated = await api.put(ITEM, redis("redis-1", { address: "192.168.0.9" }));
  assert.deepEqual([updated.status, updated.json], [200, {}]);
  const second = (await api.get(ITEM)).json;
  assert.equal(second.networking.address, "192.168.0.9");
  assert.equal(second.creationTime, first.creationTime);
  assert.ok(second.modificationTime >= first.modificationTime);
  const deleted = await api.delete(ITEM);
  assert.deepEqual([deleted.status, deleted.json], [200, {}]);
  assert.equal((await api.get(ITEM)).status, 404);
});

test("the JSON of a Dataplane, byte for byte but for the times", async (t) => {
  const api = await serve(t);
  await api.put(ITEM, redis());
  const { text } = await api.get(ITEM);
  assert.equal(
    text.replaceAll(/"\d{4}-\d\d-\d\dT[\d:.]+Z"/g, '"TIME"'),
    `{
 "type": "Dataplane",
 "mesh": "default",
 "name": "redis-1",
 "creationTime": "TIME",
 "modificationTime": "TIME",
 "labels": {
  "kuma.io/origin": "zone",
  "kuma.io/zone": "default",
  "kuma.io/mesh": "default",
  "kuma.io/env": "universal",
  "kuma.io/proxy-type": "sidecar"
 },
 "kri": "kri_dp_default_default__redis-1_",
 "networking": {
  "address": "192.168.0.1",
  "inbound": [
   {
    "port": 9000,
    "servicePort": 6379,
    "tags": {
     "kuma.io/service": "redis",
     "kuma.io/zone": "default"
    }
   }
  ]
 }
}
`,
  );
});

test("what was read can be put back, and stays the same", async (t) => {
  const api = await serve(t);
  await api.put(ITEM, redis());
  const first = (await api.get(ITEM)).json;
  assert.equal((await api.put(ITEM, first)).status, 200);
  const second = (await api.get(ITEM)).json;
  assert.deepEqual({ ...second, modificationTime: "" }, { ...first, modificationTime: "" });
});

test("an error body carries Kuma's fields and their older twins", async (t) => {
  const api = await serve(t);
  const missing = await api.get(ITEM);
  assert.equal(missing.status, 404);
  assert.deepEqual(missing.json, {
    type: "/std-errors",
    status: 404,
    title: "Could not retrieve a resource",
    detail: "Not found",
    details: "Not found",
    code: "MM404",
  });
  const invalid = await api.put(ITEM, redis("redis-1", { address: "", inbound: [{ port: 0, tags: { a: "b" } }] }));
  assert.equal(invalid.status, 400);
  assert.equal(invalid.json.detail, "Resource is not valid");
  assert.equal(invalid.json.details, "Resource is not valid");
  assert.deepEqual(
    invalid.json.causes.map((each: { field: string }) => each.field),
    ["networking.address", "networking.inbound[0].port", 'networking.inbound[0].tags["kuma.io/service"]'],
  );
  assert.deepEqual(
    invalid.json.invalid_parameters.map((each: { field: string; reason: string }) => [each.field, each.reason]),
    invalid.json.causes.map((each: { field: string; message: string }) => [each.field, each.message]),
  );
});

test("an unknown mesh is told apart from an unknown resource", async (t) => {
  const api = await serve(t);
  for (const answer of [
    await api.get("/meshes/nope/dataplanes"),
    await api.get("/meshes/nope/dataplanes/a"),
    await api.get("/meshes/nope/dataplanes/_overview"),
    await api.put("/meshes/nope/dataplanes/a", { ...redis("a"), mesh: "nope" }),
    await api.delete("/meshes/nope/dataplanes/a"),
  ]) {
    assert.deepEqual([answer.status, answer.json.title], [404, "Failed to retrieve Mesh"]);
  }
  assert.equal((await api.delete(ITEM)).json.title, "Could not delete a resource");
});

test("lists have pages with absolute links, in a stable order", async (t) => {
  const api = await serve(t);
  for (const name of ["c", "a", "e", "b", "d"]) await api.put(`/meshes/default/dataplanes/${name}`, redis(name));
  const names: string[] = [];
  let url: string | null = `${api.url}/meshes/default/dataplanes?size=2&name=`;
  let pages = 0;
  while (url) {
    assert.ok(url.startsWith(`${api.url}/meshes/default/dataplanes?`), url);
    const { json } = await api.get(url.slice(api.url.length));
    assert.equal(json.total, 5);
    names.push(...json.items.map((item: { name: string }) => item.name));
    url = json.next;
    pages++;
  }
  assert.deepEqual([names, pages], [["a", "b", "c", "d", "e"], 3]);
  assert.equal((await api.get("/dataplanes")).json.total, 5);
  assert.equal((await api.get("/meshes")).json.items[0].name, "default");
});

test("filtered lists page by page give every match once, also while others are written", async (t) => {
  const api = await serve(t);
  for (let at = 0; at < 7; at++) {
    const tags = { "kuma.io/service": at % 2 ? "web" : "api" };
    await api.put(`/meshes/default/dataplanes/d${at}`, redis(`d${at}`, { inbound: [{ port: 80, tags }] }));
  }
  const first = (await api.get("/meshes/default/dataplanes?tag=kuma.io/service:api&size=2")).json;
  assert.deepEqual([first.total, first.items.map((item: { name: string }) => item.name)], [4, ["d0", "d2"]]);
  await api.delete("/meshes/default/dataplanes/d0");
  const second = (await api.get(new URL(first.next).pathname + new URL(first.next).search)).json;
  assert.deepEqual([second.items.map((item: { name: string }) => item.name), second.next], [["d4", "d6"], null]);
});

test("filters by name, tag, gateway and label", async (t) => {
  const api = await serve(t);
  const inbound = (service: string, more = {}) => [{ port: 80, tags: { "kuma.io/service": service, ...more } }];
  await api.put("/meshes/default/dataplanes/web-1", {
    ...redis("web-1", { inbound: inbound("web", { v: "12" }) }),
    labels: { team: "x" },
  });
  await api.put("/meshes/default/dataplanes/web-2", {
    ...redis("web-2", { inbound: inbound("web") }),
    labels: { team: "y" },
  });
  await api.put(
    "/meshes/default/dataplanes/kong",
    redis("kong", { inbound: [], gateway: { tags: { "kuma.io/service": "edge" } } }),
  );
  await api.put(
    "/meshes/default/dataplanes/edge",
    redis("edge", { inbound: [], gateway: { type: "BUILTIN", tags: { "kuma.io/service": "edge" } } }),
  );
  const cases: Record<string, string[]> = {
    "name=web": ["web-1", "web-2"],
    "tag=kuma.io/service:web": ["web-1", "web-2"],
    "tag=kuma.io/service:we&tag=v:1": ["web-1"],
    "tag=kuma.io/service:edge": ["edge", "kong"],
    "tag=constructor:x": [],
    "gateway=true": ["edge", "kong"],
    "gateway=false": ["web-1", "web-2"],
    "gateway=builtin": ["edge"],
    "gateway=delegated": ["kong"],
    "filter[labels.team]=x": ["web-1"],
    "filter%5Blabels.kuma.io%2Fproxy-type%5D=gateway": ["edge", "kong"],
    "filter[labels.constructor]=x": [],
    "name=web&filter[labels.team]=y&gateway=false": ["web-2"],
    "unknown=1": ["edge", "kong", "web-1", "web-2"],
  };
  for (const path of [
    "/meshes/default/dataplanes",
    "/dataplanes",
    "/meshes/default/dataplanes/_overview",
    "/dataplanes+insights",
  ]) {
    for (const [query, names] of Object.entries(cases)) {
      const { status, json } = await api.get(`${path}?${query}`);
      assert.equal(status, 200, query);
      assert.deepEqual(
        [json.items.map((item: { name: string }) => item.name), json.total],
        [names, names.length],
        `${path} ${query}`,
      );
    }
  }
});

test("a wrong filter or page is a 400 that names the parameter", async (t) => {
  const api = await serve(t);
  const cases: Record<string, string> = {
    "size=0": "size",
    "size=-1": "size",
    "size=1001": "size",
    "size=ten": "size",
    "size=1e2": "size",
    "size=": "size",
    "size=1&size=2": "size",
    "offset=xyz": "offset",
    "offset=1&offset=2": "offset",
    "tag=web": "tag",
    "tag=:web": "tag",
    "gateway=maybe": "gateway",
    "filter[name]=a": "filter[name]",
    "filter[labels.]=a": "filter[labels.]",
    "filter[labels.a]=b&filter[labels.a]=c": "filter[labels.a]",
    "name=a&name=b": "name",
  };
  for (const [query, field] of Object.entries(cases)) {
    const { status, json } = await api.get(`/meshes/default/dataplanes?${query}`);
    assert.deepEqual(
      [status, json.invalid_parameters?.[0]?.field, json.title],
      [400, field, "Could not retrieve resources"],
      query,
    );
  }
  const filtered = await api.get("/meshes/default/dataplanes?gateway=true&offset=xyz");
  assert.deepEqual([filtered.status, filtered.json.causes[0].field], [400, "offset"]);
});

test("Secret and GlobalSecret have their paths and aliases", async (t) => {
  const api = await serve(t);
  assert.equal(
    (await api.put("/meshes/default/secrets/s", { type: "Secret", mesh: "default", name: "s", data: "YQ==" })).status,
    201,
  );
  assert.equal((await api.put("/globalsecrets/g", { type: "GlobalSecret", name: "g", data: "YQ==" })).status, 201);
  const { json } = await api.get("/global-secrets/g");
  assert.deepEqual(Object.keys(json), ["type", "name", "creationTime", "modificationTime", "kri", "data"]);
  assert.equal((await api.get("/meshes/default/secrets")).json.total, 1);
});

test("a mesh gets its signing keys with its creation, and owns what is in it", async (t) => {
  const api = await serve(t);
  assert.equal((await api.put("/meshes/shop", { type: "Mesh", name: "shop" })).status, 201);
  assert.deepEqual(api.preparedMeshes, ["shop"]);
  await api.put("/meshes/shop/secrets/s", { type: "Secret", mesh: "shop", name: "s", data: "" });
  await api.put("/meshes/shop/dataplanes/a", { ...redis("a"), mesh: "shop" });
  const refused = await api.delete("/meshes/shop");
  assert.deepEqual([refused.status, refused.json.causes[0].field], [400, "mesh"]);
  assert.match(refused.json.causes[0].message, /1 Dataplane, such as a/);
  assert.equal((await api.delete("/meshes/shop/dataplanes/a")).status, 200);
  assert.equal((await api.delete("/meshes/shop")).status, 200);
  assert.equal(await api.store.get({ type: "Secret", mesh: "shop", name: "s" }), undefined);
});

test("fields that are ignored or without effect are told as warnings", async (t) => {
  const api = await serve(t);
  const dataplane = await api.put(ITEM, redis("redis-1", { inbuond: [] }));
  assert.deepEqual(
    [dataplane.status, dataplane.json],
    [201, { warnings: ["networking.inbuond is no field and was ignored. Nearest: inbound"] }],
  );
  const mesh = await api.put("/meshes/default", { type: "Mesh", name: "default", metrics: {} });
  assert.deepEqual(mesh.json, { warnings: ["metrics is stored but has no effect in this version"] });
});

test("read-only types and wrong methods are refused, and nothing internal can be seen", async (t) => {
  const api = await serve(t);
  await api.store.put({ type: "DataplanePresence", mesh: "default", name: "a", labels: {}, spec: { state: "lost" } });
  const put = await api.put("/meshes/default/dataplane-insights/a", {
    type: "DataplaneInsight",
    mesh: "default",
    name: "a",
  });
  assert.deepEqual([put.status, put.json.status, put.json.code], [405, 405, "MM405"]);
  assert.equal((await api.delete("/meshes/default/dataplane-insights/a")).status, 405);
  for (const method of ["PATCH", "POST", "HEAD", "OPTIONS"]) {
    const answer = await api.send(ITEM, { method });
    assert.deepEqual([answer.status, answer.headers["allow"]], [405, "DELETE, GET, PUT"], method);
  }
  for (const path of [
    "/meshes/default/dataplanepresence",
    "/meshes/default/dataplanepresence/a",
    "/controlplaneheartbeat",
    "/_kri/kri_dataplanepresence_default___a_",
  ]) {
    assert.ok([400, 404].includes((await api.get(path)).status), path);
  }
  const lost = await api.get("/meshes/default/nothing");
  assert.deepEqual([lost.status, lost.text, lost.headers["content-type"]], [404, "404: Page Not Found", "text/plain"]);
});

test("a read-only API refuses every write", async (t) => {
  const api = await serve(t, { readOnly: true });
  assert.equal((await api.put(ITEM, redis())).status, 405);
  assert.equal((await api.delete("/meshes/default")).status, 405);
  assert.ok((await api.get("/_resources")).json.resources.every((each: { readOnly: boolean }) => each.readOnly));
  assert.equal((await api.get("/meshes")).json.total, 1);
});

test("many writers of one resource all succeed, and each wrote once", async (t) => {
  const api = await serve(t);
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, at) => api.put(ITEM, redis("redis-1", { address: `10.0.0.${at + 1}` }))),
  );
  assert.deepEqual(answers.map((each) => each.status).sort(), [...Array(9).fill(200), 201]);
  assert.equal((await api.store.get({ type: "Dataplane", mesh: "default", name: "redis-1" }))?.version, 10);
});

test("immutable labels and the mesh's constraints are kept", async (t) => {
  const api = await serve(t);
  await api.put(ITEM, redis());
  const moved = await api.put(ITEM, { ...redis("redis-1", { address: "" }), labels: { "kuma.io/zone": "other" } });
  assert.deepEqual(moved.json.causes.map((each: { field: string }) => each.field).sort(), [
    'labels["kuma.io/zone"]',
    "networking.address",
  ]);
  await api.put("/meshes/default", {
    type: "Mesh",
    name: "default",
    constraints: { dataplaneProxy: { restrictions: [{ tags: { "kuma.io/service": "redis" } }] } },
  });
  const restricted = await api.put(ITEM, redis());
  assert.deepEqual([restricted.status, restricted.json.causes[0].field], [400, "networking.inbound[0].tags"]);
});

test("a KRI finds its resource", async (t) => {
  const api = await serve(t);
  await api.put(ITEM, redis());
  assert.equal((await api.get("/_kri/kri_dp_default_default__redis-1_")).json.name, "redis-1");
  assert.equal((await api.get("/_kri/kri_dp_default_default__nope_")).status, 404);
  assert.equal((await api.get("/_kri/nonsense")).status, 400);
});

test("a failure inside is a 500 that tells nothing, and the server lives", async (t) => {
  const store = createMemoryStore();
  let broken = false;
  const api = await serve(t, {
    store: overriding(store, {
      list: async (...args) => {
        if (broken) throw new Error("secret path /var/x");
        return store.list(...args);
      },
      get: async (key) => {
        if (broken && key.type === "Dataplane") throw new MeshError("MM503", "the database does not answer");
        return store.get(key);
      },
    }),
  });
  broken = true;
  const answer = await api.get("/meshes");
  assert.equal(answer.status, 500);
  assert.deepEqual(answer.json, {
    type: "/std-errors",
    status: 500,
    title: "Could not retrieve resources",
    detail: "Internal Server Error",
    details: "Internal Server Error",
    code: "MM900",
  });
  const unavailable = await api.get(ITEM);
  assert.deepEqual([unavailable.status, unavailable.json.detail], [503, "the database does not answer"]);
  broken = false;
  assert.equal((await api.get("/meshes")).status, 200);
});

/** The store with some methods replaced. */
function overriding(store: ResourceStore, methods: Partial<ResourceStore>): ResourceStore {
  return new Proxy(store, {
    get: (target, key) => {
      const value = Reflect.get(methods, key) ?? Reflect.get(target, key);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

test("bodies of other types are refused in plain text", async (t) => {
  const api = await serve(t);
  for (const headers of [
    {},
    { "content-type": "text/plain" },
    { "content-type": "application/x-yaml" },
    { "content-type": "" },
  ]) {
    const answer = await api.send(ITEM, { method: "PUT", headers, body: JSON.stringify(redis()) });
    assert.deepEqual([answer.status, answer.text], [415, "415: Unsupported Media Type"]);
  }
  const withCharset = { "content-type": "application/json; charset=utf-8" };
  assert.equal(
    (await api.send(ITEM, { method: "PUT", headers: withCharset, body: JSON.stringify(redis()) })).status,
    201,
  );
  assert.equal((await api.send(ITEM, { method: "DELETE", headers: JSON_TYPE })).status, 200);
});
