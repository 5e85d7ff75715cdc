import assert from "node:assert/strict";
import { test } from "node:test";
import type { PresenceSpec } from "../../../core/model/dataplane-presence.ts";
import {
  arrive,
  deadlineOf,
  type Moment,
  type PresenceEvent,
  type PresenceRules,
  placeFor,
  transition,
} from "../../../core/presence/transition.ts";

const rules: PresenceRules = {
  idleTimeoutMs: 300_000,
  cleanupAgeMs: 72 * 3_600_000,
  awaitProbes: true,
  afterLeave: (record) => (record.ownsDataplane ? "delete" : "keep"),
};
const T0: Moment = { wall: 1_000_000, observed: 5000 };
const later = (ms: number): Moment => ({ wall: T0.wall + ms, observed: T0.observed + ms });
const IDLE = later(300_000);
const CLEANUP = later(72 * 3_600_000);

const arrival = {
  incarnation: "i1",
  instance: "cp-1",
  epoch: 1,
  peer: "10.0.0.1:4000",
  lifecycle: "direct",
  ownsDataplane: true,
  probedPorts: [],
};
const connected = arrive(undefined, arrival, T0, rules);
const after = (record: PresenceSpec, event: PresenceEvent, now = later(1000)): PresenceSpec => {
  const next = transition(record, event, now, rules);
  assert.notEqual(next, "delete");
  return next as PresenceSpec;
};
const lossAt = (ms: number, keepEndpoints = false): PresenceEvent => ({
  type: "closed",
  reason: "reset",
  lastSeen: later(ms),
  keepEndpoints,
});

const records = {
  connected,
  leaving: after(connected, { type: "leave" }),
  draining: after(connected, { type: "reported", notReady: [], probed: [9000], draining: true }),
  lost: after(connected, lossAt(0), T0),
  "lost with a mesh": after(connected, lossAt(0, true), T0),
  "leaving without a stream": after(after(connected, lossAt(0), T0), { type: "leave" }, T0),
  offline: after(after(connected, lossAt(0), T0), { type: "elapsed" }, IDLE),
  left: after({ ...connected, ownsDataplane: false }, { type: "left" }, T0),
} satisfies Record<string, PresenceSpec>;
type Name = keyof typeof records;

const leave: PresenceEvent = { type: "leave" };
const left: PresenceEvent = { type: "left" };
const closed = lossAt(1000);
const massLoss = lossAt(1000, true);
const spared: PresenceEvent = { type: "spared" };
const elapsed: PresenceEvent = { type: "elapsed" };
const drains: PresenceEvent = { type: "reported", notReady: [], probed: [], draining: true };
const serves: PresenceEvent = { type: "reported", notReady: [], probed: [], draining: false };

/** state, event, when, then: state and use of endpoints; `=` means that nothing is written. */
const table: readonly (readonly [Name, string, PresenceEvent, Moment, string])[] = [
  ["connected", "leave", leave, later(1000), "leaving withdrawn"],
  ["connected", "left without leave", left, later(1000), "left withdrawn"],
  ["connected", "the stream ends", closed, later(1000), "lost degraded"],
  ["connected", "the stream ends in a mass loss", massLoss, later(1000), "lost healthy"],
  ["connected", "100 hours", elapsed, later(360_000_000), "="],
  ["connected", "spared", spared, later(1000), "="],
  ["connected", "Envoy drains", drains, later(1000), "leaving withdrawn"],
  ["connected", "Envoy serves", serves, later(1000), "="],
  ["leaving", "leave again", leave, later(2000), "="],
  ["leaving", "left", left, later(2000), "left withdrawn"],
  ["leaving", "the stream ends", closed, later(2000), "left withdrawn"],
  ["leaving", "the stream ends in a mass loss", massLoss, later(2000), "left withdrawn"],
  ["leaving", "72 hours with an open stream", elapsed, CLEANUP, "="],
  ["leaving", "Envoy serves", serves, later(2000), "="],
  ["draining", "Envoy serves again", serves, later(2000), "connected healthy"],
  ["draining", "leave", leave, later(2000), "leaving withdrawn"],
  ["draining", "the stream ends", closed, later(2000), "left withdrawn"],
  ["leaving without a stream", "just before the idle timeout", elapsed, later(299_999), "="],
  ["leaving without a stream", "the idle timeout", elapsed, IDLE, "left withdrawn"],
  ["leaving without a stream", "left", left, later(2000), "left withdrawn"],
  ["lost", "just before the idle timeout", elapsed, later(299_999), "="],
  ["lost", "the idle timeout", elapsed, IDLE, "offline degraded"],
  ["lost", "the cleanup age", elapsed, CLEANUP, "delete"],
  ["lost", "the stream ends again", closed, later(2000), "="],
  ["lost", "leave", leave, later(2000), "leaving withdrawn"],
  ["lost", "left", left, later(2000), "left withdrawn"],
  ["lost", "spared", spared, later(2000), "lost healthy"],
  ["lost", "Envoy drains, says a late report", drains, later(2000), "="],
  ["lost with a mesh", "spared again", spared, later(2000), "="],
  ["lost with a mesh", "the idle timeout", elapsed, IDLE, "offline degraded"],
  ["offline", "just before the cleanup age", elapsed, later(72 * 3_600_000 - 1), "="],
  ["offline", "the cleanup age", elapsed, CLEANUP, "delete"],
  ["offline", "spared", spared, later(2000), "="],
  ["offline", "leave", leave, IDLE, "leaving withdrawn"],
  ["left", "leave", leave, later(2000), "="],
  ["left", "left again", left, later(2000), "="],
  ["left", "the stream ends", closed, later(2000), "="],
  ["left", "the idle timeout", elapsed, IDLE, "="],
  ["left", "the cleanup age", elapsed, CLEANUP, "delete"],
];

for (const [name, what, event, now, expected] of table) {
  test(`${name}, ${what}: ${expected}`, () => {
    const record = records[name];
    const next = transition(record, event, now, rules);
    const got = next === "delete" ? next : next === record ? "=" : `${next.state} ${next.endpoints}`;
    assert.equal(got, expected);
    if (next === "delete" || next === record) return;
    assert.equal(next.open, next.state === "connected" || (next.state === "leaving" && record.open));
    assert.equal(next.incarnation, record.incarnation);
    assert.equal(next.since === now.wall, next.state !== record.state, "since is when the state began");
    assert.ok(next.lastSeenObserved >= record.lastSeenObserved, "a sign of life is never taken back");
    assert.notEqual(next.reason, "");
  });
}

test("the table has every state", () => {
  assert.deepEqual(new Set(table.map(([name]) => name)), new Set(Object.keys(records)));
});

test("a deadline is exactly where `elapsed` begins to change something", () => {
  for (const [name, record] of Object.entries(records)) {
    const due = deadlineOf(record, rules);
    if (due === undefined) continue;
    assert.equal(transition(record, elapsed, { wall: 0, observed: due - 1 }, rules), record, `${name} before`);
    assert.notEqual(transition(record, elapsed, { wall: 0, observed: due }, rules), record, `${name} at its deadline`);
  }
});

test("only the observed clock decides: a wall clock 50 years off changes nothing", () => {
  const years = 50 * 365 * 86_400_000;
  for (const record of Object.values(records)) {
    for (const wall of [T0.wall + years, T0.wall - years]) {
      assert.equal(transition(record, elapsed, { wall, observed: T0.observed + 1000 }, rules), record);
    }
  }
});

test("last sign of life of a proxy whose control plane died is its heartbeat, but never before the stream opened", () => {
  const event = { ...lossAt(-4000), reason: "gone" } as PresenceEvent;
  assert.equal(after(connected, event).lastSeen, T0.wall);
  assert.equal(after(connected, lossAt(700)).lastSeen, T0.wall + 700);
});

const places: readonly (readonly [string, PresenceSpec | undefined, string, string])[] = [
  ["nobody was there", undefined, "i1", "take"],
  ["the same sidecar again", connected, "i1", "take"],
  ["a new sidecar", connected, "i2", "take"],
  ["one that had to go", { ...connected, displaced: ["i0"] }, "i0", "park"],
  ["one that had to go, while the holder leaves", { ...records.leaving, displaced: ["i0"] }, "i0", "park"],
  ["a new sidecar, while the holder leaves", records.leaving, "i2", "take"],
  ["one that had to go, when the holder is lost", { ...records.lost, displaced: ["i0"] }, "i0", "take"],
  ["one that had to go, when the holder is offline", { ...records.offline, displaced: ["i0"] }, "i0", "take"],
  ["the one that left", records.left, "i1", "refuse"],
  ["a new sidecar after one that left", records.left, "i2", "take"],
];
for (const [what, record, incarnation, expected] of places) {
  test(`place: ${what}: ${expected}`, () => assert.equal(placeFor(record, incarnation), expected));
}

test("a takeover remembers whom it displaced, once, and not for ever", () => {
  let record = connected;
  for (const incarnation of ["i2", "i1", "i2", "i3"]) record = arrive(record, { ...arrival, incarnation }, T0, rules);
  assert.deepEqual(record.displaced, ["i1", "i2"]);
  for (let at = 0; at < 50; at++) record = arrive(record, { ...arrival, incarnation: `n${at}` }, T0, rules);
  assert.equal(record.displaced.length, 8);
  assert.equal(record.displaced.at(-1), "n48");
});

test("one that left and owns its Dataplane goes, even if the control plane died before it could delete it", () => {
  const gone = after(connected, left);
  assert.equal(transition(gone, left, later(2000), rules), "delete");
  assert.equal(transition(gone, elapsed, later(2000), rules), "delete");
});

test("who left, or asked to, before another took over is not let in again; who was only lost may be", () => {
  for (const [record, place] of [
    [records.leaving, "refuse"],
    [records.left, "refuse"],
    [records.draining, "park"],
    [connected, "park"],
  ] as const) {
    const taken = arrive(record, { ...arrival, incarnation: "i2", epoch: 2 }, T0, rules);
    assert.equal(placeFor(taken, "i1"), place, record.state);
    const lost = after(taken, closed);
    assert.equal(placeFor(lost, "i1"), place === "refuse" ? "refuse" : "take");
  }
});

test("a leaving sidecar that reconnects is still leaving; a new one is not", () => {
  const again = arrive(records.leaving, { ...arrival, epoch: 2 }, later(3000), rules);
  assert.deepEqual(
    [again.state, again.endpoints, again.since, again.leave],
    ["leaving", "withdrawn", T0.wall + 1000, "requested"],
  );
  const other = arrive(records.leaving, { ...arrival, incarnation: "i2", epoch: 2 }, later(3000), rules);
  assert.deepEqual([other.state, other.endpoints, other.leave], ["connected", "healthy", undefined]);
});

test("a probed inbound waits for its probe after a start, not after a reconnect of the same sidecar", () => {
  const first = arrive(undefined, { ...arrival, probedPorts: [9000] }, T0, rules);
  assert.deepEqual(first.notReady, [9000]);
  const good = after(first, serves);
  assert.deepEqual(good.notReady, []);
  assert.deepEqual(arrive(good, { ...arrival, probedPorts: [9000] }, T0, rules).notReady, []);
  assert.deepEqual(arrive(good, { ...arrival, incarnation: "i2", probedPorts: [9000] }, T0, rules).notReady, [9000]);
  const unaware = { ...rules, awaitProbes: false };
  assert.deepEqual(arrive(undefined, { ...arrival, probedPorts: [9000] }, T0, unaware).notReady, []);
});

test("a report is written only when it says something new", () => {
  const down = after(connected, { type: "reported", notReady: [9001, 9000, 9001], probed: [9000], draining: false });
  assert.deepEqual(down.notReady, [9000, 9001]);
  assert.equal(
    transition(down, { type: "reported", notReady: [9001, 9000], probed: [9000], draining: false }, T0, rules),
    down,
  );
});

test("what a sidecar tells with its stream counts, unless something newer of the same sidecar is known", () => {
  const told = (sequence: number, notReady: readonly number[], incarnation = "i1") => ({
    ...arrival,
    incarnation,
    probedPorts: [9000, 9001],
    health: { sequence, notReady, probed: [9000] },
  });
  const first = arrive(undefined, told(2, []), T0, rules);
  assert.deepEqual([first.notReady, first.probed, first.healthSequence], [[], [9000], 2]);
  assert.deepEqual(arrive(first, told(3, [9000]), T0, rules).notReady, [9000], "a reconnect: the newer state, at once");
  assert.deepEqual(arrive(first, told(1, [9000]), T0, rules).notReady, [], "an older one was overtaken");
  assert.deepEqual(arrive(first, told(0, [9000], "i2"), T0, rules).notReady, [9000], "another sidecar counts anew");

  const report = (sequence: number, notReady: readonly number[]): PresenceEvent => ({
    type: "reported",
    sequence,
    notReady,
    probed: [9000],
  });
  assert.equal(transition(first, report(1, [9000]), T0, rules), first);
  assert.equal(transition(first, report(2, []), T0, rules), first);
  const down = after(first, report(3, [9000]));
  assert.deepEqual([down.notReady, down.healthSequence], [[9000], 3]);
  const up = after(down, report(5, []));
  assert.equal(transition(up, report(4, [9000]), T0, rules), up, "it came late");
  const leaving = after(first, { type: "leave" });
  const died = after(leaving, report(3, [9000]));
  assert.deepEqual([died.state, died.endpoints, died.leave], ["leaving", "withdrawn", "requested"]);
});

test("what is wrong with a sidecar itself is kept until it says otherwise", () => {
  const report = (sequence: number, trouble?: string): PresenceEvent => ({
    ...{ type: "reported", sequence, notReady: [], probed: [] },
    ...(trouble === undefined ? {} : { trouble }),
  });
  const frozen = after(connected, report(1, "Envoy is stopped"));
  assert.equal(frozen.trouble, "Envoy is stopped");
  assert.equal(transition(frozen, report(1, "Envoy is stopped"), T0, rules), frozen);
  assert.equal(arrive(frozen, arrival, T0, rules).trouble, "Envoy is stopped", "a reconnect tells nothing of it");
  assert.equal(arrive(frozen, { ...arrival, incarnation: "i2" }, T0, rules).trouble, undefined);
  assert.equal("trouble" in after(frozen, report(2)), false);
});

test("how its Envoy ended is told with the stream of the next one, and not again", () => {
  const health = { sequence: 1, notReady: [], probed: [], envoyEnd: "SIGSEGV" };
  const back = arrive(records.lost, { ...arrival, health }, T0, rules);
  assert.deepEqual(
    [back.envoyEnd, back.reason],
    ["SIGSEGV", "connected from 10.0.0.1:4000; its Envoy had ended by SIGSEGV"],
  );
  const again = arrive(back, { ...arrival, health: { ...health, envoyEnd: undefined } }, T0, rules);
  assert.deepEqual(["envoyEnd" in again, again.reason], [false, "connected from 10.0.0.1:4000"]);
});

test("a rival is named and forgotten", () => {
  const twice = after(connected, { type: "rival", peer: "10.0.0.9:4000" });
  assert.match(twice.reason, /10\.0\.0\.1:4000.*10\.0\.0\.9:4000/);
  assert.equal(transition(twice, { type: "rival", peer: "10.0.0.9:4000" }, T0, rules), twice);
  const alone = after(twice, { type: "rival", peer: undefined });
  assert.equal(alone.rival, undefined);
  assert.doesNotMatch(alone.reason, /10\.0\.0\.9/);
  assert.equal(transition(records.lost, { type: "rival", peer: "x" }, T0, rules), records.lost);
});
