import assert from "node:assert/strict";
import { test } from "node:test";
import { RestAfterBurst } from "../../../core/kernel/rest-after-burst.ts";
import { Scope } from "../../../core/kernel/scope.ts";
import { ManualClock } from "../../support/manual-clock.ts";

test("a burst is over when it was quiet long enough; a few events are none", async () => {
  const clock = new ManualClock();
  let rests = 0;
  await using scope = new Scope("test");
  const bursts = new RestAfterBurst({
    clock,
    scope,
    least: 3,
    quietMs: 1000,
    longestMs: 15_000,
    run: () => void rests++,
  });
  for (let i = 0; i < 2; i++) bursts.note();
  await clock.advance(10_000);
  assert.deepEqual([rests, clock.pending], [0, 0]);
  for (let i = 0; i < 10; i++) {
    bursts.note();
    await clock.advance(900);
  }
  assert.equal(rests, 0);
  await clock.advance(100);
  assert.deepEqual([rests, clock.pending], [1, 0]);
  await clock.advance(10_000);
  assert.equal(rests, 1, "once for each burst");
  for (let i = 0; i < 40; i++) {
    bursts.note();
    await clock.advance(900);
  }
  assert.equal(rests, 3, "one that goes on is cut every 15 s");
});
