import assert from "node:assert/strict";
import { test } from "node:test";
import { ResourceList } from "../../../core/push/resource-list.ts";
import { changesBetween } from "../../../core/xds/list-changes.ts";
import { resourceListOf } from "../../support/resource-list-of.ts";
import { fakeResource } from "../xds/fixtures.ts";
import { createRandom } from "./random-mesh.ts";

const SEED = Number(process.env["MONOMESH_TEST_SEED"] ?? Date.now() % 1_000_000);

test("a list is sorted and finds its resources; of one name the last counts", () => {
  const [a, b, old] = [resource("a", 1), resource("b", 1), resource("a", 0)];
  const list = resourceListOf([b, old, a]);
  assert.deepEqual([list.size, list.names, [...list]], [2, ["a", "b"], [a, b]]);
  assert.deepEqual(
    ["a", "b", "", "aa", "c"].map((name) => list.get(name)),
    [a, b, undefined, undefined, undefined],
  );
  assert.deepEqual([list.has("b"), list.has("c"), ResourceList.EMPTY.has("a")], [true, false, false]);
});

test(`differences are those of two maps, whether names are shared or not, asked once or twice (SEED=${SEED})`, () => {
  const random = createRandom(SEED);
  for (let round = 0; round < 300; round++) {
    const size = round % 10 === 0 ? 150 : 12;
    const some = () =>
      Array.from({ length: random.below(size) }, () => resource(`r${random.below(size)}`, random.below(3)));
    const before = resourceListOf(some());
    const alike = new ResourceList(
      before.names,
      [...before].map((each) => (random.below(3) ? each : resource(each.name, 9))),
    );
    for (const after of [resourceListOf(some()), alike, alike]) {
      const { changed, removed } = changesBetween(before, after);
      const differs = [...after].filter(({ name, version }) => before.get(name)?.version !== version);
      assert.deepEqual(changed.map(text), differs.map(text));
      assert.deepEqual(
        removed,
        before.names.filter((name) => !after.has(name)),
      );
    }
  }
});

const text = ({ name, version }: { readonly name: string; readonly version: string }) => `${name} ${version}`;
const resource = (name: string, version: number) => fakeResource("cluster", name, String(version), 1);
