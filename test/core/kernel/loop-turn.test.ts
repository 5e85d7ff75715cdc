import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { LoopTurn } from "../../../core/kernel/loop-turn.ts";
import { Turns } from "../../../core/kernel/turns.ts";
import { SteppedClock } from "../../support/stepped-clock.ts";

test("what one kind of work has used of a turn the others have not, but each has something", async () => {
  const clock = new SteppedClock();
  const turn = LoopTurn.of(clock);
  assert.equal(LoopTurn.of(clock), turn);
  assert.notEqual(LoopTurn.of(new SteppedClock()), turn);
  assert.deepEqual([turn.share(), turn.writingShare()], [10, 38]);
  clock.advance(14);
  assert.deepEqual([turn.share(), turn.writingShare()], [2, 24]);
  clock.advance(30);
  assert.deepEqual([turn.share(), turn.writingShare()], [2, 10]);
  await nextTurn();
  assert.deepEqual([turn.share(), turn.writingShare()], [10, 38]);
});

test("what is left to Node counts as spent, in this turn only", async () => {
  const clock = new SteppedClock();
  const turn = LoopTurn.of(clock);
  const done: number[] = [];
  const turns = new Turns(clock);
  for (const number of [1, 2, 3, 4, 5]) {
    turns.take(() => {
      done.push(number);
      clock.advance(1);
      turn.owes(4);
    });
  }
  assert.deepEqual(done, [1, 2], "5 ms each, of 10");
  assert.deepEqual([turn.share(), turn.writingShare()], [6, 28]);
  await nextTurn();
  assert.deepEqual(done, [1, 2, 3, 4]);
  await nextTurn();
  await nextTurn();
  assert.deepEqual([turn.share(), turn.writingShare()], [10, 38]);
});

test("crowds of several kinds together take no longer than twice a crowd of one, and none stands still", async () => {
  const clock = new SteppedClock();
  const started = clock.monotonic();
  const done = [0, 0, 0, 0];
  for (const kind of done.keys()) {
    const turns = new Turns(clock);
    for (let count = 0; count < 100; count++) {
      turns.take(() => {
        done[kind] = (done[kind] ?? 0) + 1;
        clock.advance(1);
      });
    }
  }
  let before = done.map(() => 0);
  for (const turns of [1, 2, 3]) {
    const spent = clock.monotonic() - started;
    assert.ok(spent <= 25 * turns, `${spent} ms in ${turns} turns`);
    assert.ok(
      done.every((count, kind) => count > (before[kind] ?? 0)),
      `${done} after ${before}`,
    );
    before = [...done];
    await nextTurn();
  }
});
