import assert from "node:assert/strict";
import { test } from "node:test";
import { entriesFor, splitTraffic, type TagMatcher } from "../../../core/policy/disjoint-rules.ts";
import type { PolicyEntry } from "../../../core/policy/entries.ts";
import { mergeConfs } from "../../../core/policy/merge.ts";
import { createRandom } from "../push/random-mesh.ts";
import { rules, timeout } from "./fixtures.ts";

const POLICY = timeout("p", rules({ idleTimeout: "1s" }));

function about(tags: Readonly<Record<string, string>>, conf: Readonly<Record<string, unknown>>): PolicyEntry {
  return { policy: POLICY, section: "from", index: 0, tags, conf };
}

const text = (matchers: readonly TagMatcher[]) =>
  matchers.map(({ key, value, not }) => `${key}${not ? "!=" : "="}${value}`).join(" ");

function split(...entries: PolicyEntry[]): string[] {
  return (splitTraffic(entries) ?? []).map(
    ({ matchers, merged }) => `${text(matchers)} ${JSON.stringify(merged.conf)}`,
  );
}

test("traffic is split into parts that exclude each other, the most specific first", () => {
  assert.deepEqual(split(about({}, { a: 1 })), [' {"a":1}']);
  assert.deepEqual(split(about({}, { a: 1 }), about({ s: "foo" }, { b: 2 }), about({ s: "bar" }, { a: 3 })), [
    's=foo {"a":1,"b":2}',
    's=bar {"a":3}',
    's!=bar s!=foo {"a":1}',
  ]);
});

test("a part that nothing is said about is left out", () => {
  assert.deepEqual(split(about({ s: "foo", v: "1" }, { a: 1 }), about({ s: "foo" }, { b: 1 })), [
    's=foo v=1 {"a":1,"b":1}',
    's=foo v!=1 {"b":1}',
  ]);
  assert.deepEqual(split(), []);
});

test("parts beyond counting are not spelled out", () => {
  const entries = ["a", "b", "c"].flatMap((key) =>
    Array.from({ length: 30 }, (_, value) => about({ [key]: String(value) }, { x: value })),
  );
  assert.equal(splitTraffic(entries), undefined);
  const services = Array.from({ length: 1200 }, (_, index) => about({ s: `s-${index}` }, { x: index }));
  assert.equal(splitTraffic(services), undefined);
  assert.equal(splitTraffic(services.slice(0, 900))?.length, 900);
});

test("for any traffic exactly one part holds, and it says what merging the entries about it says", () => {
  const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000);
  const random = createRandom(seed);
  const tags = () => {
    const chosen = ["s", "v", "z"].filter(() => random.chance(0.5));
    return Object.fromEntries(chosen.map((key) => [key, random.pick(["1", "2", "3"])]));
  };
  for (let round = 0; round < 300; round++) {
    const entries = random.list(6, () => about(tags(), { [random.pick(["a", "b"])]: random.below(9) }));
    const parts = splitTraffic(entries) ?? [];
    for (let sample = 0; sample < 10; sample++) {
      const element = tags() as Record<string, string>;
      const holding = parts.filter(({ matchers }) =>
        matchers.every(({ key, value, not }) => (element[key] === value) !== not),
      );
      const direct = mergeConfs(entriesFor(entries, element));
      assert.deepEqual(
        holding.map(({ merged }) => merged.conf),
        direct ? [direct.conf] : [],
        `SEED=${seed}`,
      );
    }
  }
});
