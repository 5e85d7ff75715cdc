import assert from "node:assert/strict";
import { test } from "node:test";
import { Memo } from "../../../core/kernel/memo.ts";

test("a value is made once for each key", () => {
  const memo = new Memo<string, object>(2);
  const first = memo.get("a", () => ({}));
  assert.equal(
    memo.get("a", () => assert.fail("made twice")),
    first,
  );
  assert.notEqual(
    memo.get("b", () => ({})),
    first,
  );
});

test("with one more than it keeps all are forgotten", () => {
  const memo = new Memo<number, number>(2);
  const made: number[] = [];
  for (const key of [1, 2, 1, 3, 3, 1]) {
    memo.get(key, () => {
      made.push(key);
      return key;
    });
  }
  assert.deepEqual(made, [1, 2, 3, 1]);
});

test("what could not be made is tried again", () => {
  const memo = new Memo<string, number>(2);
  assert.throws(() => memo.get("a", () => assert.fail("no")));
  assert.equal(
    memo.get("a", () => 1),
    1,
  );
});
