import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { LoopTurn } from "../../../core/kernel/loop-turn.ts";
import { Outflow } from "../../../core/kernel/outflow.ts";
import { TimeSlice } from "../../../core/push/time-slice.ts";
import { FakePeer } from "../../support/fake-peer.ts";
import { SteppedClock } from "../../support/stepped-clock.ts";

const ITEMS = Array.from({ length: 100 }, (_, at) => at);

test("each item is visited once, in order; a promise is waited for, and new items of a set are seen", async () => {
  const seen: string[] = [];
  const items = new Set([1, 2]);
  await new TimeSlice(new SteppedClock()).each(items, new Outflow(), (item) => {
    seen.push(`${item}`);
    if (item === 1) items.add(3);
    if (item !== 2) return undefined;
    return nextTurn().then(() => void seen.push("2 done"));
  });
  assert.deepEqual(seen, ["1", "2", "2 done", "3"]);
});

test("work without writes gives way every 10 ms", async () => {
  const clock = new SteppedClock();
  let seen = 0;
  const all = new TimeSlice(clock).each(ITEMS, new Outflow(), () => {
    seen++;
    clock.advance(1);
    return undefined;
  });
  assert.equal(seen, 10);
  await nextTurn();
  assert.equal(seen, 20);
  await all;
  assert.equal(seen, 100);
});

test("what visits leave to Node counts to their slice", async () => {
  const clock = new SteppedClock();
  let seen = 0;
  const all = new TimeSlice(clock).each(ITEMS, new Outflow(), () => {
    seen++;
    clock.advance(1);
    LoopTurn.of(clock).owes(1);
    return undefined;
  });
  assert.equal(seen, 5);
  await nextTurn();
  assert.equal(seen, 10);
  await all;
});

test("what a visit writes leaves before the next, for 38 ms in one turn; who never lets go costs one turn", async () => {
  const clock = new SteppedClock();
  const outflow = new Outflow();
  const peer = new FakePeer();
  let seen = 0;
  const all = new TimeSlice(clock).each(ITEMS, outflow, () => {
    seen++;
    clock.advance(1);
    outflow.wrote(peer);
    return undefined;
  });
  assert.equal(seen, 1);
  assert.equal(outflow.flooded, true, "others wait");
  for (let left = 0; left < 80; left++) outflow.left(peer);
  assert.equal(seen, 38);
  await nextTurn();
  assert.equal(seen, 39, "the next slice has begun");
  await nextTurn();
  assert.equal(seen, 40, "nothing has left");
  while (seen < 100) await nextTurn();
  await all;
  assert.equal(outflow.flooded, false);
});

test("what a visit throws ends it", async () => {
  const all = new TimeSlice(new SteppedClock()).each(ITEMS, new Outflow(), (item) => {
    if (item === 3) throw new Error("three");
    return undefined;
  });
  await assert.rejects(all, /three/);
});
