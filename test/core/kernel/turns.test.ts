import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { Turns } from "../../../core/kernel/turns.ts";
import { SteppedClock } from "../../support/stepped-clock.ts";

test("what comes alone is done at once; a crowd is spread over turns, in its order", async () => {
  const clock = new SteppedClock();
  const turns = new Turns(clock);
  const done: number[] = [];
  const work = (number: number) => () => {
    done.push(number);
    clock.advance(4);
  };
  turns.take(work(0));
  assert.deepEqual(done, [0]);
  for (let i = 1; i < 8; i++) turns.take(work(i));
  assert.deepEqual(done, [0, 1, 2], "a slice of 10 ms");
  await nextTurn();
  assert.deepEqual(done, [0, 1, 2, 3, 4, 5]);
  turns.take(work(8));
  assert.deepEqual(done.at(-1), 5, "behind those that wait");
  await nextTurn();
  assert.deepEqual(done, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
  await nextTurn();
  await nextTurn();
  turns.take(work(9));
  assert.equal(done.at(-1), 9);
});

test("what follows a turn without waiting counts to it", async () => {
  const clock = new SteppedClock();
  const turns = new Turns(clock);
  const done: number[] = [];
  const work = async (number: number) => {
    await turns.turn();
    await Promise.resolve();
    done.push(number);
    clock.advance(6);
  };
  const all = Promise.all(Array.from({ length: 6 }, (_, at) => work(at)));
  // The first ones find the slice empty.
  await nextTurn();
  const first = done.length;
  await nextTurn();
  assert.ok(done.length <= first + 2, `${first}, then ${done.length}`);
  await all;
  assert.deepEqual(done, [0, 1, 2, 3, 4, 5]);
});

test("of work in a crowd, what took long is followed by what it left to do; what took little goes together", async () => {
  const clock = new SteppedClock();
  const turns = new Turns(clock);
  const done: string[] = [];
  const work = (name: string, ms: number) => () => {
    done.push(name);
    clock.advance(ms);
    queueMicrotask(() => void done.push(`${name} left`));
  };
  // Uses up the slice, so that the others wait for the next.
  turns.take(() => clock.advance(10));
  for (const name of ["a", "b"]) turns.take(work(name, 1));
  for (const name of ["c", "d"]) turns.take(work(name, 0));
  while (done.length < 8) await nextTurn();
  assert.deepEqual(done, ["a", "a left", "b", "b left", "c", "d", "c left", "d left"]);
});

test("while it is held nothing is done, and everything afterwards in its order", async () => {
  let held = true;
  const turns = new Turns(new SteppedClock(), () => held);
  const done: number[] = [];
  for (const number of [1, 2, 3]) {
    turns.take(() => {
      done.push(number);
      held = number === 2;
    });
  }
  await nextTurn();
  await nextTurn();
  assert.deepEqual(done, []);
  held = false;
  await nextTurn();
  assert.deepEqual(done, [1, 2], "it may be held again by what is done");
  held = false;
  await nextTurn();
  assert.deepEqual(done, [1, 2, 3]);
});
