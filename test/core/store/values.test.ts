import assert from "node:assert/strict";
import { test } from "node:test";
import { MeshError } from "../../../core/kernel/errors.ts";
import { decodePosition, encodePosition } from "../../../core/store/list-query.ts";
import { updateResource } from "../../../core/store/retry-on-conflict.ts";
import { storable } from "../../../core/store/stored-value.ts";
import { compareText } from "../../../core/store/text-order.ts";
import { createMemoryStore } from "../../../plugins/store-memory/memory-store.ts";

const KEY = { type: "Dataplane", mesh: "default", name: "a" };

test("text is ordered as its UTF-8 bytes are", () => {
  const texts = [
    "",
    "a",
    "ab",
    "b",
    "A",
    "é",
    "e\u0301",
    "\ud7ff",
    "\ue000",
    "\uffff",
    "🙂",
    "🙃",
    "a🙂",
    "a\uffff",
    "名",
  ];
  const bytes = (text: string) => Buffer.from(text);
  for (const a of texts) {
    for (const b of texts) {
      assert.equal(Math.sign(compareText(a, b)), Buffer.compare(bytes(a), bytes(b)), `${a} and ${b}`);
    }
  }
});

test("a refused value is named by its path", () => {
  const table: readonly [unknown, string][] = [
    [{ a: { b: [1, { c: 1n }] } }, "spec.a.b[1].c: must be JSON, not bigint"],
    [{ a: Number.POSITIVE_INFINITY }, "spec.a: must be a number that JSON can express, not Infinity"],
    [{ a: new Uint8Array(2) }, "spec.a: must be JSON, not Uint8Array"],
    [undefined, "spec: must be JSON, not undefined"],
  ];
  for (const [spec, problem] of table) {
    assert.throws(
      () => storable({ ...KEY, labels: {}, spec }),
      (error) => {
        assert.ok(error instanceof MeshError && error.code === "MM400");
        assert.deepEqual(
          error.violations.map(({ field, message }) => `${field}: ${message}`),
          [problem],
        );
        return true;
      },
    );
  }
});

test("a property __proto__ is kept as data and changes no prototype", () => {
  const spec = JSON.parse('{"__proto__": {"admin": true}}');
  const kept = storable({ ...KEY, labels: {}, spec }).spec as Record<string, unknown>;
  assert.equal(JSON.stringify(kept), '{"__proto__":{"admin":true}}');
  assert.equal(Object.getPrototypeOf(kept), Object.prototype);
  assert.equal(kept["admin"], undefined);
});

test("positions of pages survive every name", () => {
  for (const name of ["a", "", "🙂", 'x"y\\z', "名前"]) {
    assert.deepEqual(decodePosition(encodePosition({ mesh: "m", name })), { mesh: "m", name });
  }
  assert.equal(decodePosition(undefined), undefined);
});

test("updateResource leaves what needs no change, creates what is missing, and gives up on other errors", async () => {
  const store = createMemoryStore();
  assert.equal(await updateResource(store, KEY, () => undefined), undefined);
  assert.equal(await store.revision(), 0);
  const created = await updateResource(store, KEY, (current) => ({ ...KEY, labels: {}, spec: current ?? "new" }));
  assert.deepEqual([created?.spec, created?.version], ["new", 1]);
  assert.equal(await updateResource(store, KEY, () => undefined), created);
  const fence = { key: KEY, epoch: 5 };
  await assert.rejects(
    updateResource(store, KEY, (current) => current, { fence }),
    (error) => error instanceof MeshError && error.code === "MM511",
  );
});

test("updateResource tries again after a conflict, and not for ever", async () => {
  const store = createMemoryStore();
  let tries = 0;
  const racing = { ...store, put: store.put.bind(store), get: store.get.bind(store) };
  racing.put = async (draft, options) => {
    if (++tries <= 5) await store.put({ ...draft, spec: "other" });
    return store.put(draft, options);
  };
  const stored = await updateResource(racing, KEY, () => ({ ...KEY, labels: {}, spec: "mine" }));
  assert.deepEqual([stored?.spec, stored?.version, tries], ["mine", 6, 6]);
  tries = Number.NEGATIVE_INFINITY;
  await assert.rejects(
    updateResource(racing, KEY, () => ({ ...KEY, labels: {}, spec: "mine" })),
    (error) => error instanceof MeshError && error.code === "MM409",
  );
});
