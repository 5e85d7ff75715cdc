import assert from "node:assert/strict";
import { test } from "node:test";
import type { PolicyEntry } from "../../../core/policy/entries.ts";
import { mergeConfs } from "../../../core/policy/merge.ts";
import { rules, timeout } from "./fixtures.ts";

type Json = Readonly<Record<string, unknown>>;

/** Entries with these confs, of policies called 0, 1, 2, … */
function entries(...confs: Json[]): PolicyEntry[] {
  return confs.map((conf, index) => {
    const policy = timeout(String(index), rules({ idleTimeout: "1s" }));
    return { policy, section: "rules", index: 0, tags: {}, conf };
  });
}

/** The conf, and for each value the names of the policies it came from. */
function merged(...confs: Json[]) {
  const result = mergeConfs(entries(...confs));
  const values = [...(result?.values ?? [])].map(([field, from]) => [
    field,
    from.map(({ policy }) => policy.name).join(),
  ]);
  return { conf: result?.conf, values: Object.fromEntries(values) };
}

/** The examples of RFC 7396, appendix A, that are about objects. */
const RFC_7396: readonly (readonly [Json, Json, Json])[] = [
  [{ a: "b" }, { a: "c" }, { a: "c" }],
  [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
  [{ a: "b" }, { a: null }, {}],
  [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
  [{ a: ["b"] }, { a: "c" }, { a: "c" }],
  [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
  [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
  [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
  [{ e: null }, { a: 1 }, { a: 1 }],
  [{ a: "foo" }, { a: { b: 1 } }, { a: { b: 1 } }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
];

test("confs are merged as JSON merge patches", () => {
  for (const [target, patch, expected] of RFC_7396) assert.deepEqual(merged(target, patch).conf, expected);
});

test("lists are replaced, unless their name begins with append", () => {
  assert.deepEqual(merged({ list: [1], appendList: [1] }, { list: [2], appendList: [2, 3] }).conf, {
    list: [2],
    appendList: [1, 2, 3],
  });
});

test("of every value it is known which policy gave it", () => {
  const { conf, values } = merged(
    { a: 1, http: { b: 1, c: 1 } },
    { http: { c: 2 } },
    { appendX: ["x"] },
    { appendX: ["y"] },
  );
  assert.deepEqual(conf, { a: 1, http: { b: 1, c: 2 }, appendX: ["x", "y"] });
  assert.deepEqual(values, { a: "0", "http.b": "0", "http.c": "1", appendX: "2,3" });
});

test("what was removed or replaced has no origin any more", () => {
  assert.deepEqual(merged({ http: { b: 1 } }, { http: null }).values, {});
  assert.deepEqual(merged({ http: { b: 1 } }, { http: 1 }).values, { http: "1" });
  assert.deepEqual(merged({ http: 1 }, { http: { b: 1 } }).values, { "http.b": "1" });
});

test("nothing merges to nothing, and merging changes no policy", () => {
  assert.equal(mergeConfs([]), undefined);
  const first = Object.freeze({ http: Object.freeze({ b: 1 }) });
  assert.deepEqual(merged(first, { http: { b: 2 } }).conf, { http: { b: 2 } });
});
