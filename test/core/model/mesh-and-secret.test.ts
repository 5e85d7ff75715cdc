import assert from "node:assert/strict";
import { test } from "node:test";
import { createRegistry, resourceTypes } from "../../../core/model/registry.ts";
import { draftFromJson } from "../../../core/model/resource-json.ts";
import { meshType } from "../../../core/model/types/mesh.ts";
import { globalSecretType } from "../../../core/model/types/secret.ts";

const meshFields = (spec: Record<string, unknown>, name = "m") =>
  draftFromJson(meshType, { type: "Mesh", name, ...spec }, { strict: true }).violations.map((each) => each.field);

test("a Mesh follows the contract's section 8.4", () => {
  assert.deepEqual(meshFields({}), []);
  assert.deepEqual(meshFields({}, "a".repeat(63)), []);
  assert.deepEqual(meshFields({}, "a".repeat(64)), ["name"]);
  assert.deepEqual(meshFields({}, "a.b"), ["name"]);
  const backend = (more: object = {}) => ({ name: "ca-1", type: "builtin", ...more });
  assert.deepEqual(meshFields({ mtls: { backends: [backend({ dpCert: { rotation: { expiration: "1d" } } })] } }), []);
  const cases: readonly [object, string[]][] = [
    [{ backends: [backend(), backend()] }, ["mtls.backends", "mtls.backends[1].name"]],
    [{ backends: [backend({ type: "vault" })] }, ["mtls.backends[0].type"]],
    [{ enabledBackend: "x", backends: [] }, ["mtls.enabledBackend", "mtls.enabledBackend"]],
    [{ enabledBackend: "ca-1", backends: [backend()] }, ["mtls.enabledBackend"]],
    [
      { backends: [backend({ dpCert: { rotation: { expiration: "1h30m" } } })] },
      ["mtls.backends[0].dpCert.rotation.expiration"],
    ],
    [{ backends: [backend({ name: "CA" })] }, ["mtls.backends[0].name"]],
  ];
  for (const [mtls, fields] of cases) assert.deepEqual(meshFields({ mtls }), fields);
  assert.deepEqual(
    meshFields({ tracing: { defaultBackend: "x", backends: [{ name: "z", type: "jaeger", sampling: 101 }] } }),
    ["tracing.backends[0].type", "tracing.defaultBackend", "tracing.backends[0].sampling"],
  );
  assert.deepEqual(meshFields({ logging: { backends: [{ type: "udp" }] } }), [
    "logging.backends[0].name",
    "logging.backends[0].type",
  ]);
  assert.deepEqual(
    meshFields({
      constraints: { dataplaneProxy: { requirements: [{ tags: { "a b": "*", c: "*" } }], restrictions: [{}] } },
    }),
    ['constraints.dataplaneProxy.requirements[0].tags["a b"]', "constraints.dataplaneProxy.restrictions[0].tags"],
  );
  assert.deepEqual(meshFields({ meshServices: { mode: "Sometimes" } }), ["meshServices.mode"]);
});

test("sections of a Mesh without effect are told", () => {
  const { draft } = draftFromJson(
    meshType,
    { type: "Mesh", name: "m", metrics: {}, constraints: {} },
    { strict: true },
  );
  assert.deepEqual(meshType.warnings?.(draft), ["metrics is stored but has no effect in this version"]);
});

test("a secret holds base64", () => {
  const fields = (data: unknown) =>
    draftFromJson(globalSecretType, { type: "GlobalSecret", name: "s", data }, { strict: true }).violations.map(
      (v) => v.field,
    );
  for (const data of ["", "YQ==", "YWI=", "YWJj", "YQ", "YWI", "a+/0"]) assert.deepEqual(fields(data), [], data);
  for (const data of ["Y", "YQ=", "Y Q=", "ä", "====", 1]) assert.deepEqual(fields(data), ["data"], String(data));
});

test("the registry knows what is visible and refuses twins", () => {
  const registry = createRegistry();
  assert.deepEqual(
    registry.visible.map((type) => type.name),
    ["Dataplane", "DataplaneInsight", "GlobalSecret", "Mesh", "Secret"],
  );
  assert.equal(registry.get("DataplanePresence")?.internal, true);
  assert.equal(registry.get("Nope"), undefined);
  assert.throws(() => createRegistry([...resourceTypes(), meshType]), { code: "MM801" });
  assert.throws(() => createRegistry([...resourceTypes(), { ...meshType, name: "Other" }]), { code: "MM801" });
});
