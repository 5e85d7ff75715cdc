import assert from "node:assert/strict";
import { test } from "node:test";
import { fieldText, isWithin, parseFieldPath } from "../../../core/model/field-path.ts";

const CASES: readonly (readonly [readonly (string | number)[], string])[] = [
  [[], ""],
  [["name"], "name"],
  [["networking", "inbound", 0, "port"], "networking.inbound[0].port"],
  [["networking", "inbound", 12, "tags", "kuma.io/service"], 'networking.inbound[12].tags["kuma.io/service"]'],
  [["labels", 'a"b\\c]'], 'labels["a\\"b\\\\c]"]'],
  [["service-port"], '["service-port"]'],
  [["a", 0, 1, "b"], "a[0][1].b"],
];

test("a path is written as Kuma writes it, and read back", () => {
  for (const [path, text] of CASES) {
    assert.equal(fieldText(path), text);
    assert.deepEqual(parseFieldPath(text), path);
  }
});

test("what is no path is refused", () => {
  for (const text of ["a.", "a[", "a[x]", "a..b", 'a["b]', "a b", "[1", 'a["\\x"]']) {
    assert.equal(parseFieldPath(text), undefined, text);
  }
});

test("a field is within itself and its ancestors only", () => {
  assert.ok(isWithin("networking.inbound[0].port", "networking.inbound[0]"));
  assert.ok(isWithin("networking", "networking"));
  assert.ok(!isWithin("networkingX", "networking"));
  assert.ok(!isWithin("networking", "networking.inbound"));
  assert.ok(!isWithin("networking.inbound[10]", "networking.inbound[1]"));
});
