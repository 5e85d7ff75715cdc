import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { watchEventLoopLag } from "../../cmd/cp/event-loop-lag.ts";
import { block } from "../support/block.ts";

test("a turn of the event loop that takes long is told, however short it is, and forgotten once told", async () => {
  const lag = watchEventLoopLag();
  await sleep(20);
  lag();
  for (const ms of [80, 15]) {
    setTimeout(() => block(ms), 10);
    await sleep(10 + ms);
    await sleep(20);
    const { 1: worst = 0 } = lag();
    assert.ok(worst >= ms / 1000, `${ms} ms were told as ${worst} s`);
  }
  assert.deepEqual(lag(), { 0.5: 0, 0.99: 0, 1: 0 });
});

test("a loop that sleeps is not late, and watching it does not wake it", async () => {
  const lag = watchEventLoopLag();
  const turns = performance.nodeTiming.uvMetricsInfo;
  await sleep(500);
  const { loopCount } = performance.nodeTiming.uvMetricsInfo;
  assert.ok(loopCount - turns.loopCount < 10, `${loopCount - turns.loopCount} turns in a sleep`);
  const { 1: worst = 0 } = lag();
  assert.ok(worst < 0.25, `half a second of sleep was told as ${worst} s of work`);
});
