import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import {
  BackendRefShape,
  GatewayShape,
  InboundShape,
  NetworkingShape,
  OutboundShape,
} from "../../../core/model/dataplane/spec.ts";
import { draftFromJson } from "../../../core/model/resource-json.ts";
import { fieldsOf } from "../../../core/model/shape/proto-json.ts";
import { dataplaneType } from "../../../core/model/types/dataplane.ts";

const DOC = readFileSync(join(import.meta.dirname, "../../../docs/resources.md"), "utf8");

test("the example of docs/resources.md is a valid definition", () => {
  const example = /```\n(type: Dataplane\n[\s\S]*?)```/.exec(DOC)?.[1];
  assert.ok(example);
  assert.deepEqual(draftFromJson(dataplaneType, parse(example), { strict: true }).violations, []);
});

test("docs/resources.md names every field of a Dataplane", () => {
  for (const shape of [NetworkingShape, InboundShape, OutboundShape, GatewayShape, BackendRefShape]) {
    const fields = Object.keys(fieldsOf(shape) ?? {});
    assert.ok(fields.length > 0);
    for (const field of fields) assert.match(DOC, new RegExp(`\`(admin\\.)?${field}\\b`), field);
  }
});
