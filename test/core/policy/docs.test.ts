import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { draftFromJson } from "../../../core/model/resource-json.ts";
import { fieldsOf } from "../../../core/model/shape/proto-json.ts";
import { TARGET_KINDS } from "../../../core/policy/target-ref.ts";
import { TimeoutShape } from "../../../plugins/policy-mesh-timeout/mesh-timeout.ts";
import { MESH_TIMEOUT } from "./fixtures.ts";

const DOC = readFileSync(join(import.meta.dirname, "../../../docs/policies.md"), "utf8");

test("the example of docs/policies.md is a valid policy without warnings", () => {
  const example = /```\n(type: MeshTimeout\n[\s\S]*?)```/.exec(DOC)?.[1];
  assert.ok(example);
  const { draft, violations } = draftFromJson(MESH_TIMEOUT.type, parse(example), { strict: true });
  assert.deepEqual(violations, []);
  assert.deepEqual(MESH_TIMEOUT.type.warnings?.(draft), []);
});

test("docs/policies.md names every kind and every field of MeshTimeout", () => {
  for (const kind of TARGET_KINDS) assert.ok(DOC.includes(kind), kind);
  const { http, ...fields } = fieldsOf(TimeoutShape) ?? {};
  const names = [...Object.keys(fields), ...Object.keys((http && fieldsOf(http)) ?? {}).map((name) => `http.${name}`)];
  assert.equal(names.length, 7);
  for (const name of names) assert.ok(DOC.includes(`| \`${name}\` |`), name);
});
