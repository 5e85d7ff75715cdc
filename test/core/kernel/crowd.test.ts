import assert from "node:assert/strict";
import { test } from "node:test";
import { Crowd } from "../../../core/kernel/crowd.ts";
import { Scope } from "../../../core/kernel/scope.ts";
import { ManualClock } from "../../support/manual-clock.ts";

function watched(scope: Scope, least: number) {
  const clock = new ManualClock();
  const told: string[] = [];
  const crowd = new Crowd({ clock, scope, least, begin: () => told.push("begin"), end: () => told.push("end") });
  const come = async (count: number, everyMs: number) => {
    for (let i = 0; i < count; i++) {
      crowd.note();
      await clock.advance(everyMs);
    }
  };
  return { clock, crowd, told, come };
}

test("many within a second are a crowd; as many that come slowly are none", async () => {
  await using scope = new Scope("test");
  const { clock, crowd, told, come } = watched(scope, 10);
  await come(200, 112);
  assert.deepEqual([told, crowd.going, clock.pending], [[], false, 0]);
  await clock.advance(1000);
  await come(9, 1);
  assert.deepEqual(told, []);
  await come(1, 0);
  assert.deepEqual([told, crowd.going], [["begin"], true]);
});

test("a crowd that comes in waves is one, and a few that follow do not prolong it", async () => {
  await using scope = new Scope("test");
  const { clock, crowd, told, come } = watched(scope, 10);
  for (let wave = 0; wave < 4; wave++) {
    await come(20, 1);
    await clock.advance(1500);
  }
  assert.deepEqual(told, ["begin"]);
  await come(4, 500);
  assert.deepEqual([told, crowd.going, clock.pending], [["begin", "end"], false, 0]);
  await come(20, 1);
  assert.deepEqual(told, ["begin", "end", "begin"]);
});

test("a scope that closes takes the timer with it", async () => {
  const scope = new Scope("test");
  const { clock, crowd, told, come } = watched(scope, 2);
  await come(2, 0);
  await scope.close();
  assert.equal(clock.pending, 0);
  crowd.note();
  assert.deepEqual([told, clock.pending], [["begin"], 0]);
});
