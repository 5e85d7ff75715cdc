import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { Scope } from "../../../core/kernel/scope.ts";
import { FlushScheduler } from "../../../core/push/flush-scheduler.ts";
import { SteppedClock } from "../../support/stepped-clock.ts";
import { createRandom } from "./random-mesh.ts";

/** A scheduler whose pushes take `cost` milliseconds, all of them busy. */
function openScheduler(cost: number) {
  const clock = new SteppedClock();
  const scope = new Scope("test");
  const times: number[] = [];
  const urgent: number[] = [];
  const start = clock.monotonic();
  let busy = 0;
  const flush = async (all: boolean) => {
    (all ? times : urgent).push(clock.monotonic() - start);
    if (!all) return;
    clock.advance(cost);
    busy += cost;
  };
  const scheduler = new FlushScheduler({ clock, scope, flush, busy: () => busy });
  const pass = async (ms: number, work = 0) => {
    busy += work;
    clock.advance(ms);
    await turn();
  };
  return { clock, scope, times, urgent, scheduler, pass };
}

async function turn(): Promise<void> {
  for (let i = 0; i < 3; i++) await nextTurn();
}

test("when idle, a change is pushed at once and changes of one turn together", async () => {
  const { times, scheduler } = openScheduler(5);
  for (let i = 0; i < 10; i++) scheduler.request();
  assert.equal(times.length, 0, "never in the same turn");
  await scheduler.settled();
  assert.deepEqual(times, [0]);
});

test("after a push, the next one waits as long as the last one took", async () => {
  const { times, scheduler, pass } = openScheduler(40);
  scheduler.request();
  await turn();
  scheduler.request();
  await pass(39);
  assert.equal(times.length, 1);
  await pass(1);
  assert.deepEqual(times, [0, 80]);
});

test("what the push caused counts too, but no longer than the window of a short push", async () => {
  const { times, scheduler, pass } = openScheduler(10);
  scheduler.request();
  await turn();
  scheduler.request();
  await pass(10, 100);
  assert.equal(times.length, 1, "the loop was busy meanwhile");
  await pass(50, 500);
  await pass(139, 500);
  assert.equal(times.length, 1);
  await pass(1);
  assert.deepEqual(times, [0, 210]);
});

test("when nothing rests, the window grows with what a push takes, up to 10 s", async () => {
  for (const [cost, window] of [
    [100, 800],
    [4000, 10_000],
  ] as const) {
    const { times, scheduler, pass } = openScheduler(cost);
    scheduler.request();
    await turn();
    scheduler.request();
    await pass(0, 60_000);
    await pass(window - 1, 60_000);
    assert.equal(times.length, 1);
    await pass(1);
    assert.deepEqual(times, [0, cost + window]);
  }
});

test("what can wait has a window three times as long, until something comes that cannot", async () => {
  for (const [pressing, window] of [
    [false, 2400],
    [true, 800],
  ] as const) {
    const { times, scheduler, pass } = openScheduler(100);
    scheduler.request(true);
    await turn();
    scheduler.request(true);
    await pass(300, 60_000);
    if (pressing) scheduler.request();
    scheduler.request(true);
    await pass(window - 301, 60_000);
    assert.equal(times.length, 1);
    await pass(1);
    assert.deepEqual(times, [0, 100 + window]);
    // The next one is measured by what it has itself.
    scheduler.request(true);
    await pass(2399, 60_000);
    assert.equal(times.length, 2);
    await pass(1);
    assert.equal(times.length, 3);
  }
});

test("what is urgent waits for no window, takes nothing else along and leaves the window as it is", async () => {
  const { times, urgent, scheduler, pass } = openScheduler(40);
  scheduler.request();
  await turn();
  scheduler.request();
  await pass(10);
  scheduler.requestUrgent();
  await turn();
  assert.deepEqual([times, urgent], [[0], [50]]);
  await pass(29);
  assert.equal(times.length, 1);
  await pass(1);
  assert.deepEqual(times, [0, 80]);
  scheduler.requestUrgent();
  await scheduler.settled();
  assert.equal(urgent.length, 2);
  assert.equal(times.length, 2);
});

test("after a quiet time a change is pushed at once again", async () => {
  const { times, scheduler, pass } = openScheduler(10);
  scheduler.request();
  await turn();
  await pass(500, 400);
  scheduler.request();
  await turn();
  assert.deepEqual(times, [0, 510]);
});

test("a request during a push leads to another push, and settled waits for it", async () => {
  const clock = new SteppedClock();
  const scope = new Scope("test");
  const gate = Promise.withResolvers<void>();
  let count = 0;
  const flush = async () => {
    if (count++ === 0) await gate.promise;
  };
  const scheduler = new FlushScheduler({ clock, scope, flush, busy: () => 0 });
  scheduler.request();
  await turn();
  scheduler.request();
  let settled = false;
  void scheduler.settled().then(() => {
    settled = true;
  });
  await turn();
  assert.deepEqual([count, settled], [1, false]);
  gate.resolve();
  await turn();
  assert.deepEqual([count, settled], [2, true]);
  assert.equal(scheduler.stats.count, 2);
});

test("a closed scope ends the waiting, and nothing runs any more", async () => {
  const { clock, scope, times, scheduler } = openScheduler(50);
  scheduler.request();
  await turn();
  scheduler.request();
  const settled = scheduler.settled();
  await scope.close();
  await settled;
  assert.equal(clock.armed, 0);
  scheduler.request();
  await turn();
  assert.equal(times.length, 1);
});

test("what becomes urgent when a push is about to begin goes with it", async () => {
  const { clock, times, urgent, scheduler } = openScheduler(5);
  scheduler.request();
  scheduler.requestUrgent();
  await scheduler.settled();
  assert.deepEqual([times, urgent, clock.armed], [[0], [], 0]);
});

test("whatever is requested whenever: one push at a time, all of it is pushed, and then nothing runs", async () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = createRandom(seed);
    const clock = new SteppedClock();
    const owed = { all: 0, urgent: 0 };
    let running = 0;
    const flush = async (all: boolean) => {
      assert.equal(++running, 1, `seed ${seed}: pushes overlap`);
      owed.urgent = 0;
      if (all) owed.all = 0;
      for (let turns = random.below(3); turns > 0; turns--) await nextTurn();
      ask();
      clock.advance(random.below(20));
      running--;
    };
    const scheduler = new FlushScheduler({ clock, scope: new Scope("test"), flush, busy: () => clock.monotonic() });
    const ask = () => {
      if (random.chance(0.3)) owed.all = scheduler.request() ?? 1;
      if (random.chance(0.3)) owed.urgent = scheduler.requestUrgent() ?? 1;
    };
    for (let step = 0; step < 30; step++) {
      ask();
      if (random.chance(0.3)) clock.advance(random.below(50));
      if (random.chance(0.5)) await nextTurn();
    }
    for (let second = 0; second < 30; second++) {
      clock.advance(1000);
      await turn();
    }
    assert.deepEqual([owed, clock.armed], [{ all: 0, urgent: 0 }, 0], `seed ${seed}`);
    await scheduler.settled();
  }
});
