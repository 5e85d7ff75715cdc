import assert from "node:assert/strict";
import { test } from "node:test";
import { buildKri, parseKri } from "../../../core/model/kri.ts";
import type { Resource } from "../../../core/model/resource.ts";
import { draftFromJson, resourceToJson } from "../../../core/model/resource-json.ts";
import type { ResourceType } from "../../../core/model/resource-type.ts";
import { dataplaneType } from "../../../core/model/types/dataplane.ts";
import { dataplaneInsightType } from "../../../core/model/types/dataplane-insight.ts";
import { meshType } from "../../../core/model/types/mesh.ts";
import { secretType } from "../../../core/model/types/secret.ts";

function stored<Spec>(type: ResourceType<Spec>, json: Record<string, unknown>): Resource<Spec> {
  const { draft, violations } = draftFromJson(type, json, { strict: true });
  assert.deepEqual(violations, []);
  const time = Date.UTC(2026, 0, 31, 12, 0, 0, 5);
  return { ...draft, creationTime: time, modificationTime: time + 1000, version: 1, revision: 7 };
}

test("a Dataplane is written as Kuma writes it", () => {
  const resource = stored(dataplaneType, {
    type: "Dataplane",
    mesh: "default",
    name: "redis-1",
    labels: { "kuma.io/zone": "default" },
    networking: {
      inbound: [
        {
          tags: { "kuma.io/service": "redis" },
          port: 9000,
          servicePort: 6379,
          serviceAddress: "",
          health: {},
          state: "NotReady",
          serviceProbe: { tcp: {}, interval: "1m", timeout: "250ms", healthyThreshold: 1 },
        },
        { port: 9001, state: "Ready", health: { ready: true }, tags: {} },
      ],
      outbound: [],
      address: "192.168.0.1",
      admin: { port: 0 },
      transparentProxying: null,
    },
  });
  assert.equal(
    JSON.stringify(resourceToJson(dataplaneType, resource)),
    JSON.stringify({
      type: "Dataplane",
      mesh: "default",
      name: "redis-1",
      creationTime: "2026-01-31T12:00:00.005Z",
      modificationTime: "2026-01-31T12:00:01.005Z",
      labels: { "kuma.io/zone": "default" },
      kri: "kri_dp_default_default__redis-1_",
      networking: {
        address: "192.168.0.1",
        inbound: [
          {
            port: 9000,
            servicePort: 6379,
            tags: { "kuma.io/service": "redis" },
            health: {},
            serviceProbe: { interval: "60s", timeout: "0.250s", healthyThreshold: 1, tcp: {} },
            state: "NotReady",
          },
          { port: 9001, health: { ready: true } },
        ],
        admin: {},
      },
    }),
  );
});

test("what was written can be read back unchanged", () => {
  const json = {
    type: "Dataplane",
    mesh: "default",
    name: "a",
    networking: {
      address: "10.0.0.1",
      inbound: [{ port: 1, tags: { "kuma.io/service": "a" }, serviceProbe: { interval: "1.500s" } }],
      transparentProxying: { redirectPortInbound: 15006, reachableServices: ["b"], ipFamilyMode: "IPv4" },
    },
    metrics: { type: "prometheus", conf: { port: 5670, deep: { list: [1, null, "x"] } } },
    envoy: { xdsTransportProtocolVariant: "DELTA_GRPC" },
  };
  const { draft } = draftFromJson(dataplaneType, json, { strict: true });
  assert.deepEqual(resourceToJson(dataplaneType, draft), json);
});

test("proto JSON's other spellings are understood", () => {
  const { draft, violations } = draftFromJson(
    dataplaneType,
    {
      type: "Dataplane",
      mesh: "default",
      name: "a",
      creationTime: "0001-01-01T00:00:00Z",
      modificationTime: "0001-01-01T00:00:00Z",
      kri: "kri_dp_default___a_",
      networking: {
        address: "10.0.0.1",
        inbound: [{ port: "80", state: 1, service_probe: { unhealthy_threshold: 2 } }],
        transparent_proxying: { redirect_port_inbound: 15006 },
      },
    },
    { strict: true },
  );
  assert.deepEqual(violations, []);
  assert.deepEqual(draft.spec, {
    networking: {
      address: "10.0.0.1",
      inbound: [{ port: 80, state: "NotReady", serviceProbe: { unhealthyThreshold: 2 } }],
      transparentProxying: { redirectPortInbound: 15006 },
    },
  });
});

test("an insight has counters as strings, times in RFC 3339, and round-trips", () => {
  const time = Date.UTC(2026, 0, 31);
  const spec = {
    subscriptions: [
      {
        id: "s",
        connectTime: time,
        generation: 2,
        status: {
          lastUpdateTime: time,
          total: { responsesSent: 2, responsesAcknowledged: 2, responsesRejected: 0 },
          eds: {},
        },
      },
    ],
    metadata: { "dataplane.token": "x" },
  };
  const json = dataplaneInsightType.toJson(spec);
  assert.deepEqual(json, {
    subscriptions: [
      {
        id: "s",
        connectTime: "2026-01-31T00:00:00.000Z",
        generation: 2,
        status: {
          lastUpdateTime: "2026-01-31T00:00:00.000Z",
          total: { responsesSent: "2", responsesAcknowledged: "2" },
          eds: {},
        },
      },
    ],
    metadata: { "dataplane.token": "x" },
  });
  assert.deepEqual(dataplaneInsightType.toJson(dataplaneInsightType.parse(json).spec), json);
});

test("names and meshes follow Kuma's rules", () => {
  const fields = (name: unknown, mesh: unknown) =>
    draftFromJson(secretType, { type: "Secret", name, mesh, data: "" }, { strict: true }).violations.map(
      (v) => v.field,
    );
  for (const name of ["a", "a-b.c", "0", "a".repeat(253)]) assert.deepEqual(fields(name, "m_1.x-"), [], name);
  for (const name of ["", "A", "a_b", "-a", "a-", "a..b", "a/b", "é", "a".repeat(254), 7, null]) {
    assert.deepEqual(fields(name, "default"), ["name"], String(name));
  }
  for (const mesh of ["", "Default", "a/b", "a".repeat(254), {}, undefined]) {
    assert.deepEqual(fields("a", mesh), ["mesh"], String(mesh));
  }
});

test("labels follow Kubernetes' rules", () => {
  const fields = (labels: unknown) =>
    draftFromJson(meshType, { type: "Mesh", name: "m", labels }, { strict: true }).violations.map((v) => v.field);
  assert.deepEqual(fields({ a: "", "b.c/d_e": "X.y-z", "kuma.io/workload": "a-1" }), []);
  assert.deepEqual(fields(["a"]), ["labels"]);
  const bad = {
    "a b": "c",
    "a/b/c": "",
    "A.b/c": "",
    "-a": "",
    a: "-",
    b: "x".repeat(64),
    c: 1,
    "kuma.io/workload": "1a",
  };
  assert.deepEqual(fields(bad), [
    'labels["a b"]',
    'labels["a/b/c"]',
    'labels["A.b/c"]',
    'labels["-a"]',
    "labels.a",
    "labels.b",
    "labels.c",
    'labels["kuma.io/workload"]',
  ]);
});

test("keys that JavaScript gives a meaning are harmless", () => {
  const json = JSON.parse(
    `{"type":"Dataplane","mesh":"default","name":"a","__proto__":{"x":1},"constructor":1,"networking":{"address":"1.1.1.1",
      "__proto__":{"inbound":[]},"inbound":[{"port":1,"tags":{"__proto__":"x","constructor":"y","kuma.io/service":"s"}}]}}`,
  );
  const { draft, violations, unknownFields } = draftFromJson(dataplaneType, json, { strict: false });
  assert.deepEqual(violations, []);
  assert.deepEqual(unknownFields.map((each) => each.field).sort(), [
    "__proto__",
    "constructor",
    "networking.__proto__",
    "networking.inbound[0].tags.__proto__",
  ]);
  assert.deepEqual(draft.spec.networking.inbound, [{ port: 1, tags: { constructor: "y", "kuma.io/service": "s" } }]);
});

test("JSON nested without end is one violation, not a crash", () => {
  let deep: unknown = {};
  for (let level = 0; level < 100_000; level++) deep = { a: deep };
  const json = { type: "Mesh", name: "m", tracing: { backends: [{ name: "z", type: "zipkin", conf: deep }] } };
  const { violations } = draftFromJson(meshType, json, { strict: false });
  assert.equal(violations.length, 1);
  assert.match(violations[0]?.message ?? "", /64 levels/);
});

test("a KRI is written and read", () => {
  assert.equal(buildKri(meshType, { mesh: "", name: "default", labels: {} }), "kri_m____default_");
  assert.deepEqual(parseKri("kri_dp_my_mesh_zone-1__redis-1_http"), {
    shortName: "dp",
    mesh: "my_mesh",
    zone: "zone-1",
    namespace: "",
    name: "redis-1",
    section: "http",
  });
  for (const text of ["", "kri_dp", "kri_dp_a_b_c_d", "x_dp_m_z_n_a_s"]) assert.equal(parseKri(text), undefined, text);
});

test("a field that is ignored hides no rule about what holds it; one that is refused does", () => {
  const json = {
    type: "Dataplane",
    mesh: "default",
    name: "a",
    networking: { address: "10.0.0.1", gateway: { type: "BUILTIN", tags: { "kuma.io/service": "a" } } },
    probes: { prot: 1 },
  };
  const rules = (strict: boolean) =>
    draftFromJson(dataplaneType, json, { strict }).violations.filter(({ field }) => field === "probes");
  assert.equal(rules(false).length, 1);
  assert.equal(rules(true).length, 0);
});
