import assert from "node:assert/strict";
import { test } from "node:test";
import type { Resource } from "../../../core/model/resource.ts";
import { draftFromJson, resourceToJson } from "../../../core/model/resource-json.ts";
import type { PolicySpec } from "../../../core/policy/policy-spec.ts";
import { createRandom } from "../push/random-mesh.ts";
import { dataplane } from "../view/fixtures.ts";
import { effective, MESH_TIMEOUT } from "./fixtures.ts";

const SEED = Number(process.env["SEED"] ?? Date.now() % 1_000_000);
const KEYS = ["targetRef", "to", "from", "rules", "default", "kind", "name", "tags", "labels", "http", "idleTimeout"];
const VALUES = [null, "", "Mesh", "Dataplane", "MeshService", "1s", "-1s", 0, -1, 1e300, true, [], {}];

test(`no spec, however wrong, is more than refused; what passes can be written and used (SEED=${SEED})`, () => {
  const random = createRandom(SEED);
  const value = (depth: number): unknown => {
    if (depth === 0 || random.chance(0.3)) return random.pick(VALUES);
    if (random.chance(0.3)) return random.list(3, () => value(depth - 1));
    const keys = [...random.list(4, () => random.pick(KEYS)), ...random.list(1, () => "constructor")];
    return Object.fromEntries(keys.map((key) => [key, value(depth - 1)]));
  };
  const good = { targetRef: { kind: "Mesh" }, to: [{ targetRef: { kind: "Mesh" }, default: { idleTimeout: "1s" } }] };
  let passed = 0;
  for (let round = 0; round < 5000; round++) {
    const junk = value(5);
    const spec = random.chance(0.5) ? junk : { ...good, ...(random.chance(0.5) ? { [random.pick(KEYS)]: junk } : {}) };
    const json = { type: "MeshTimeout", mesh: "default", name: "t", spec };
    const { draft, violations } = draftFromJson(MESH_TIMEOUT.type, json, { strict: false });
    if (violations.length > 0) continue;
    passed++;
    const written = JSON.parse(JSON.stringify(resourceToJson(MESH_TIMEOUT.type, draft)));
    assert.deepEqual(draftFromJson(MESH_TIMEOUT.type, written, { strict: true }).violations, []);
    const stored = { ...draft, creationTime: 0, modificationTime: 0, version: 1, revision: 1 } as Resource<PolicySpec>;
    const policies = effective(stored).forProxy(dataplane("d", { inbound: [{ service: "a" }] }));
    policies.outbound.settings({ service: "b", protocol: "http" });
    policies.inbound(0).settings({ service: "a", protocol: "tcp" });
    assert.ok(MESH_TIMEOUT.type.warnings?.(draft));
  }
  assert.ok(passed > 500, `only ${passed} passed`);
});
