import assert from "node:assert/strict";
import { test } from "node:test";
import { isCompatible, versionOf } from "../../../core/insight/version.ts";

const cases: readonly [string | undefined, boolean][] = [
  ["2.14.3", true],
  ["2.12.0", true],
  ["v2.16.1", true],
  ["2.11.9", false],
  ["2.17.0", false],
  ["3.0.0", false],
  ["1.14.0", false],
  ["0.1.0", true],
  ["2.0.0-preview.1", true],
  ["unknown", true],
  [undefined, true],
];
for (const [version, expected] of cases) {
  test(`a sidecar of version ${version}: ${expected ? "" : "not "}compatible`, () =>
    assert.equal(isCompatible(version), expected));
}

test("node metadata without versions, or with nonsense in their place, gives none", () => {
  assert.equal(versionOf({}), undefined);
  assert.equal(versionOf({ version: "2.14" }), undefined);
  assert.deepEqual(versionOf({ version: { envoy: { version: 7, build: "b" } } }), { envoy: { build: "b" } });
});
