import assert from "node:assert/strict";
import { assertFrozen, changesUpTo, draft, keyOf, listPages, namesOf, rejects } from "./case-tools.ts";
import type { StoreCase } from "./store-case.ts";

const ODD_SPECS: readonly unknown[] = [
  {},
  [],
  null,
  "text",
  0,
  false,
  { empty: {}, list: [], nothing: null, "": "empty key", "a.b[0]": 1 },
  JSON.parse('{"__proto__": {"polluted": true}, "constructor": 1, "toString": null}'),
  { numbers: [1e308, 5e-324, -1, 0.1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER] },
  { text: "zero \u0000, tab \t, quote \", '; drop table, emoji 🙂, alone \ud800, separators \u2028, ﬁ, e\u0301" },
  { long: "x".repeat(1_000_000) },
  { nested: Array.from({ length: 50 }).reduce<unknown>((inner) => ({ inner: [inner] }), "deep") },
];

const ODD_NAMES: readonly string[] = [
  "a",
  "A",
  "a.b",
  "a-b_c",
  "%",
  "_",
  "100%",
  "'quote' \"double\" \\back",
  " ",
  "ünïcödé",
  "e\u0301",
  "\u00e9",
  "名前",
  "🙂",
  "\ufffd",
  "__proto__",
  "constructor",
  "x".repeat(253),
];

export const valueCases: readonly StoreCase[] = [
  {
    name: "every JSON value comes back deep-equal",
    async run({ store, signal }) {
      for (const [at, spec] of ODD_SPECS.entries()) {
        const stored = await store.put(draft(`n${at}`, { spec }));
        assert.deepEqual(stored.spec, spec);
        assert.deepEqual((await store.get(keyOf(stored)))?.spec, spec);
      }
      const listed = new Map((await store.list("Dataplane")).items.map((item) => [item.name, item.spec]));
      const changes = await changesUpTo(store, 0, ODD_SPECS.length, signal);
      for (const [at, spec] of ODD_SPECS.entries()) {
        assert.deepEqual(listed.get(`n${at}`), spec);
        assert.deepEqual(changes[at]?.resource.spec, spec);
      }
    },
  },
  {
    name: "labels come back as they are",
    async run({ store }) {
      const labels = JSON.parse(
        '{"kuma.io/service": "web", "": "empty", "odd \\"label\\"": "", "__proto__": "x", "ü": "🙂"}',
      );
      const stored = await store.put(draft("a", { labels }));
      assert.deepEqual((await store.get(keyOf(stored)))?.labels, labels);
    },
  },
  {
    name: "undefined properties are left out, toJSON is honoured, -0 is 0",
    async run({ store }) {
      const spec = { gone: undefined, list: [1, undefined], date: new Date(0), zero: -0 };
      const expected = { list: [1, null], date: "1970-01-01T00:00:00.000Z", zero: 0 };
      const stored = await store.put(draft("a", { spec }));
      assert.deepEqual(stored.spec, expected);
      assert.deepEqual((await store.get(keyOf(stored)))?.spec, expected);
    },
  },
  {
    name: "what JSON cannot express is refused and stores nothing (MM400)",
    async run({ store }) {
      const cyclic: Record<string, unknown> = {};
      cyclic["self"] = cyclic;
      const bad = [1n, Number.NaN, () => 1, Symbol("x"), new Map(), new Set(), new Uint8Array(1), cyclic];
      for (const value of bad) await rejects("MM400", store.put(draft("a", { spec: { value } })));
      await rejects("MM400", store.put(draft("a", { labels: { x: 1 as unknown as string } })));
      assert.equal(await store.revision(), 0);
    },
  },
  {
    name: "what the store hands out is frozen",
    async run({ store, signal }) {
      const spec = { list: [{ a: 1 }], inner: { b: { c: 2 } } };
      const stored = await store.put(draft("a", { labels: { x: "y" }, spec }));
      assertFrozen(stored, "put");
      assertFrozen(await store.get(keyOf(stored)), "get");
      for (const item of (await store.list("Dataplane")).items) assertFrozen(item, "list");
      const removed = await store.delete(keyOf(stored));
      assertFrozen(removed, "delete");
      for (const change of await changesUpTo(store, 0, 2, signal)) assertFrozen(change, "watch");
    },
  },
  {
    name: "a caller who changes the draft afterwards does not change the store",
    async run({ store, signal }) {
      const spec = { inner: { list: [1] } };
      const labels = { x: "y" };
      const writing = store.put(draft("a", { spec, labels }));
      spec.inner.list.push(2);
      labels.x = "z";
      const stored = await writing;
      spec.inner.list.push(3);
      const changes = await changesUpTo(store, 0, 1, signal);
      for (const each of [stored, await store.get(keyOf(stored)), changes[0]?.resource]) {
        assert.deepEqual(each?.spec, { inner: { list: [1] } });
        assert.deepEqual(each?.labels, { x: "y" });
      }
    },
  },
  {
    name: "odd names are names like others",
    async run({ store }) {
      for (const name of ODD_NAMES) await store.put(draft(name), { expectedVersion: 0 });
      const byCodePoint = [...ODD_NAMES].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      assert.deepEqual(namesOf((await store.list("Dataplane")).items), byCodePoint);
      assert.deepEqual(namesOf(await listPages(store, "Dataplane", { limit: 3 })), byCodePoint);
      for (const name of ODD_NAMES) {
        assert.equal((await store.get(keyOf(draft(name))))?.name, name);
        const found = await store.list("Dataplane", { nameContains: name });
        assert.deepEqual(
          namesOf(found.items),
          byCodePoint.filter((each) => each.includes(name)),
        );
      }
      for (const name of ODD_NAMES) await store.delete(keyOf(draft(name)));
      assert.equal((await store.list("Dataplane")).total, 0);
    },
  },
  {
    name: "keys that cannot be kept apart are refused (MM400)",
    async run({ store }) {
      for (const name of ["", "a/b", "a\0", "\ud800"]) await rejects("MM400", store.put(draft(name)));
      await rejects("MM400", store.put(draft("a", { type: "" })));
      await rejects("MM400", store.put(draft("a", { mesh: "a/b" })));
      assert.equal(await store.revision(), 0);
    },
  },
];
