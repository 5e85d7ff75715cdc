import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createRegistry, resourceTypes } from "../../../core/model/registry.ts";
import { builtinPolicies } from "../../../plugins/policy-builtins.ts";
import { redis, serve } from "./serve.ts";

type Json = Readonly<Record<string, unknown>>;

const POLICIES = builtinPolicies();

async function open(context: TestContext) {
  const types = createRegistry([...resourceTypes(), ...POLICIES.map(({ type }) => type)]);
  const api = await serve(context, { types, policies: POLICIES });
  const dataplane = redis("redis-1", { outbound: [{ port: 10_000, tags: { "kuma.io/service": "backend" } }] });
  assert.equal((await api.put("/meshes/default/dataplanes/redis-1", dataplane)).status, 201);
  return api;
}

function timeout(name: string, spec: unknown, labels?: Json): Json {
  return { type: "MeshTimeout", mesh: "default", name, ...(labels ? { labels } : {}), spec };
}

const MESH = { kind: "Mesh" };
const LABELS = {
  "kuma.io/env": "universal",
  "kuma.io/mesh": "default",
  "kuma.io/origin": "zone",
  "kuma.io/zone": "default",
};
const ALL = {
  targetRef: { kind: "Mesh", proxyTypes: ["Sidecar"] },
  to: [{ targetRef: MESH, default: { connectionTimeout: "5s", http: { requestTimeout: "15s" } } }],
  from: [{ targetRef: MESH, default: { idleTimeout: "2h" } }],
};
const OVERRIDE = {
  targetRef: { kind: "Dataplane", name: "redis-1" },
  to: [{ targetRef: { kind: "MeshService", name: "backend" }, default: { http: { requestTimeout: "2s" } } }],
};

test("a MeshTimeout is created, shown, updated, listed and deleted", async (context) => {
  const api = await open(context);
  const path = "/meshes/default/meshtimeouts/t";
  const created = await api.put(path, timeout("t", ALL));
  assert.equal(created.status, 201);
  assert.deepEqual(created.json, { warnings: ["'from' field is deprecated, use 'rules' instead"] });
  const shown = (await api.get(path)).json;
  assert.deepEqual(shown.labels, LABELS);
  assert.equal(shown.kri, "kri_mt_default_default__t_");
  assert.deepEqual(shown.spec.from[0].default, { idleTimeout: "2h0m0s" });
  assert.deepEqual((await api.put(path, timeout("t", OVERRIDE))).json, {});
  assert.equal((await api.get("/meshtimeouts")).json.total, 1);
  assert.equal((await api.delete(path)).status, 200);
  assert.equal((await api.get(path)).status, 404);
});

test("a MeshTimeout with problems is refused with all of them, unknown fields included, and nothing is stored", async (context) => {
  const api = await open(context);
  const spec = { targetRef: { kind: "Mesch" }, to: [{ targetRef: MESH, default: { idleTimeot: "1s" } }], form: [] };
  const { status, json } = await api.put("/meshes/default/meshtimeouts/t", timeout("t", spec));
  assert.equal(status, 400);
  assert.deepEqual(json.invalid_parameters.map(({ field }: { field: string }) => field).sort(), [
    "spec.form",
    "spec.targetRef.kind",
    "spec.to[0].default.idleTimeot",
  ]);
  assert.equal((await api.get("/meshtimeouts")).json.total, 0);
});

test("_rules shows merged confs with their origins, and each value with the item it comes from", async (context) => {
  const api = await open(context);
  assert.deepEqual((await api.get("/meshes/default/dataplanes/redis-1/_rules")).json.rules, []);
  await api.put("/meshes/default/meshtimeouts/all", timeout("all", ALL));
  await api.put("/meshes/default/meshtimeouts/override", timeout("override", OVERRIDE));
  await api.put("/meshes/default/meshtimeouts/shadow", timeout("shadow", OVERRIDE, { "kuma.io/effect": "shadow" }));
  const document = (await api.get("/meshes/default/dataplanes/redis-1/_rules")).json;
  assert.deepEqual(document.httpMatches, []);
  assert.deepEqual(document.resource, {
    type: "Dataplane",
    mesh: "default",
    name: "redis-1",
    labels: { ...LABELS, "kuma.io/proxy-type": "sidecar" },
  });
  const all = { type: "MeshTimeout", mesh: "default", name: "all", labels: LABELS };
  const override = { ...all, name: "override" };
  const inbound = { port: 9000, tags: { "kuma.io/service": "redis", "kuma.io/zone": "default" } };
  assert.deepEqual(document.rules, [
    {
      type: "MeshTimeout",
      toRules: [
        {
          matchers: [{ key: "kuma.io/service", value: "backend", not: false }],
          conf: { connectionTimeout: "5s", http: { requestTimeout: "2s" } },
          origin: [all, override],
        },
        {
          matchers: [{ key: "kuma.io/service", value: "backend", not: true }],
          conf: { connectionTimeout: "5s", http: { requestTimeout: "15s" } },
          origin: [all],
        },
      ],
      toResourceRules: [],
      fromRules: [{ inbound, rules: [{ matchers: [], conf: { idleTimeout: "2h0m0s" }, origin: [all] }] }],
      inboundRules: [
        {
          inbound,
          rules: [{ conf: [{ idleTimeout: "2h0m0s" }], origin: [{ resourceMeta: all, ruleIndex: 0 }] }],
        },
      ],
      warnings: [],
    },
  ]);
  const from = (name: string, section: string) => [{ type: "MeshTimeout", mesh: "default", name, section }];
  const value = (field: string, text: string, origins: unknown) => ({
    policy: "MeshTimeout",
    field,
    value: text,
    origins,
  });
  assert.deepEqual(document.effective, [
    {
      direction: "inbound",
      name: "9000",
      service: "redis",
      values: [value("idleTimeout", "2h0m0s", from("all", "from[0]"))],
    },
    {
      direction: "outbound",
      name: "backend",
      service: "backend",
      values: [
        value("connectionTimeout", "5s", from("all", "to[0]")),
        value("http.requestTimeout", "2s", from("override", "to[0]")),
      ],
    },
  ]);
});

test("the older inspections show the same policies", async (context) => {
  const api = await open(context);
  await api.put("/meshes/default/meshtimeouts/all", timeout("all", ALL));
  await api.put("/meshes/default/meshtimeouts/override", timeout("override", OVERRIDE));
  const policies = (await api.get("/meshes/default/dataplanes/redis-1/policies")).json;
  assert.equal(policies.kind, "SidecarDataplane");
  assert.equal(policies.total, 1);
  const [{ matchedPolicies, ...attachment }] = policies.items;
  assert.deepEqual(attachment, { type: "dataplane", name: "", service: "" });
  assert.deepEqual(
    matchedPolicies.MeshTimeout.map(({ name }: { name: string }) => name),
    ["all", "override"],
  );
  const rules = (await api.get("/meshes/default/dataplanes/redis-1/rules")).json;
  assert.equal(rules.total, 3);
  const origins = [
    { mesh: "default", name: "all" },
    { mesh: "default", name: "override" },
  ];
  assert.deepEqual(rules.items.slice(0, 2), [
    {
      type: "ClientSubset",
      name: "192.168.0.1:9000:6379",
      service: "redis",
      tags: { "kuma.io/service": "redis", "kuma.io/zone": "default" },
      policyType: "MeshTimeout",
      subset: {},
      conf: { idleTimeout: "2h0m0s" },
      origins: origins.slice(0, 1),
    },
    {
      type: "DestinationSubset",
      addresses: ["127.0.0.1:10000"],
      service: "backend",
      policyType: "MeshTimeout",
      subset: { "kuma.io/service": "backend" },
      conf: { connectionTimeout: "5s", http: { requestTimeout: "2s" } },
      origins,
    },
  ]);
  assert.deepEqual(rules.items[2].subset, { "kuma.io/service": "!backend" });
});

test("the proxies that a policy selects are listed under three paths", async (context) => {
  const api = await open(context);
  await api.put("/meshes/default/dataplanes/redis-2", redis("redis-2"));
  await api.put("/meshes/default/meshtimeouts/all", timeout("all", ALL));
  await api.put("/meshes/default/meshtimeouts/override", timeout("override", OVERRIDE));
  const at = (name: string, path: string) => api.get(`/meshes/default/meshtimeouts/${name}/${path}`);
  for (const path of ["_resources/dataplanes", "-resources/dataplanes"]) {
    const { total, items, next } = (await at("override", path)).json;
    assert.deepEqual([total, items.length, items[0].name, items[0].type, next], [1, 1, "redis-1", "Dataplane", null]);
    assert.equal((await at("all", path)).json.total, 2);
  }
  const page = (await at("all", "_resources/dataplanes?size=1")).json;
  assert.equal(page.items[0].name, "redis-1");
  assert.match(page.next, /\/meshtimeouts\/all\/_resources\/dataplanes\?size=1&offset=/);
  assert.deepEqual((await at("override", "dataplanes")).json, {
    total: 1,
    items: [
      {
        kind: "SidecarDataplane",
        dataplane: { mesh: "default", name: "redis-1" },
        attachments: [{ type: "dataplane", name: "", service: "" }],
      },
    ],
  });
  assert.equal((await at("nothing", "_resources/dataplanes")).status, 404);
  assert.equal((await api.get("/meshes/nowhere/meshtimeouts/all/_resources/dataplanes")).status, 404);
  const dataplanes = await api.get("/meshes/default/dataplanes/redis-1/_resources/dataplanes");
  assert.equal(dataplanes.text, "404: Page Not Found");
  assert.equal((await api.delete("/meshes/default/meshtimeouts/all/dataplanes")).status, 405);
});

test("a policy type is described as Kuma describes it", async (context) => {
  const api = await open(context);
  const { resources } = (await api.get("/_resources")).json;
  const described = resources.find(({ name }: { name: string }) => name === "MeshTimeout");
  assert.deepEqual(described, {
    name: "MeshTimeout",
    path: "meshtimeouts",
    scope: "Mesh",
    readOnly: false,
    includeInFederation: true,
    shortName: "mt",
    singularDisplayName: "Mesh Timeout",
    pluralDisplayName: "Mesh Timeouts",
    policy: {
      isTargetRef: true,
      hasToTargetRef: true,
      hasFromTargetRef: true,
      hasRulesTargetRef: true,
      isFromAsRules: true,
    },
  });
  assert.equal(resources.find(({ name }: { name: string }) => name === "Mesh").policy, undefined);
  assert.deepEqual((await api.get("/policies")).json, {
    policies: [
      {
        name: "MeshTimeout",
        readOnly: false,
        path: "meshtimeouts",
        singularDisplayName: "Mesh Timeout",
        pluralDisplayName: "Mesh Timeouts",
        isExperimental: false,
        isTargetRefBased: true,
        isInbound: true,
        isOutbound: true,
      },
    ],
  });
});

test("a new mesh begins with its policies, and whoever deletes one does not get it back", async (context) => {
  const api = await open(context);
  const mesh = { type: "Mesh", name: "shop" };
  assert.equal((await api.put("/meshes/shop", mesh)).status, 201);
  const names = async (name: string) =>
    (await api.get(`/meshes/${name}/meshtimeouts`)).json.items.map((item: Json) => item["name"]);
  assert.deepEqual(await names("shop"), ["mesh-gateways-timeout-all-shop", "mesh-timeout-all-shop"]);
  const { labels, spec } = (await api.get("/meshes/shop/meshtimeouts/mesh-timeout-all-shop")).json;
  assert.deepEqual(labels, { ...LABELS, "kuma.io/mesh": "shop" });
  assert.deepEqual(spec, {
    targetRef: { kind: "Mesh", proxyTypes: ["Sidecar"] },
    to: [
      {
        targetRef: MESH,
        default: {
          connectionTimeout: "5s",
          idleTimeout: "1h0m0s",
          http: { requestTimeout: "15s", streamIdleTimeout: "30m0s" },
        },
      },
    ],
    from: [
      {
        targetRef: MESH,
        default: {
          connectionTimeout: "10s",
          idleTimeout: "2h0m0s",
          http: { requestTimeout: "0s", streamIdleTimeout: "1h0m0s", maxStreamDuration: "0s" },
        },
      },
    ],
  });
  assert.equal((await api.delete("/meshes/shop/meshtimeouts/mesh-timeout-all-shop")).status, 200);
  assert.equal((await api.put("/meshes/shop", mesh)).status, 200);
  assert.deepEqual(await names("shop"), ["mesh-gateways-timeout-all-shop"]);
  for (const [name, skip] of [
    ["none", "*"],
    ["no-timeouts", "MeshTimeout"],
  ] as const) {
    await api.put(`/meshes/${name}`, { type: "Mesh", name, skipCreatingInitialPolicies: [skip] });
    assert.deepEqual(await names(name), []);
  }
  assert.equal((await api.delete("/meshes/shop")).status, 200);
  assert.equal((await api.get("/meshtimeouts")).json.total, 0);
});

test("a mesh and its first policies are one write; a policy that was left behind stays as it is", async (context) => {
  const api = await open(context);
  const name = "mesh-timeout-all-shop";
  const left = await api.store.put({ type: "MeshTimeout", mesh: "shop", name, labels: {}, spec: { to: [] } });
  const changes: string[][] = [];
  const controller = new AbortController();
  const watching = (async () => {
    for await (const batch of api.store.watch(left.revision, controller.signal)) {
      changes.push(batch.map(({ resource }) => `${resource.type} ${resource.name}`));
    }
  })();
  assert.equal((await api.put("/meshes/shop", { type: "Mesh", name: "shop" })).status, 201);
  controller.abort();
  await watching;
  assert.deepEqual(changes, [["Mesh shop", "MeshTimeout mesh-gateways-timeout-all-shop"]]);
  assert.deepEqual(await api.store.get(left), left);
});
