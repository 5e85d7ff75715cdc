import assert from "node:assert/strict";
import { test } from "node:test";
import { listText } from "../../../core/api/list-text.ts";

test("a list in slices is the same text as the list at once", async () => {
  for (const length of [0, 1, 99, 100, 101, 250]) {
    const items = Array.from({ length }, (_, at) => ({ at, text: 'a\n"b"\\ ü', list: [1, { x: [] }], none: {} }));
    for (const next of [null, 'http://h/?a="b"']) {
      const whole = `${JSON.stringify({ total: 7, items, next }, null, 1)}\n`;
      assert.equal(await listText(items, (item) => item, { total: 7, next }), whole);
    }
  }
});

test("a long list leaves the event loop free in between", async () => {
  let turns = 0;
  const counting = setInterval(() => turns++, 0);
  const items = Array.from({ length: 1000 }, (_, at) => at);
  await listText(
    items,
    (item) => {
      const end = performance.now() + 0.05;
      while (performance.now() < end);
      return item;
    },
    { total: 1000, next: null },
  );
  clearInterval(counting);
  assert.ok(turns >= 5, `${turns} turns of others`);
});
