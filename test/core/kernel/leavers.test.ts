import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { Leavers } from "../../../core/kernel/leavers.ts";
import { type FakePeer, fakePeers } from "../../support/fake-peer.ts";
import { SteppedClock } from "../../support/stepped-clock.ts";

const ENDING_MS = 8;
const TOGETHER = 40;

function crowd(count: number) {
  const clock = new SteppedClock();
  const leavers = new Leavers(clock);
  const { peers, unread } = fakePeers(count);
  for (const peer of peers) leavers.add(peer);
  return { clock, leavers, peers, unread };
}

test("all are left unread when a turn has seen ends for long enough, and are read again in groups", async () => {
  const { clock, leavers, unread } = crowd(2 * TOGETHER + 1);
  for (let crowds = 0; crowds < 2; crowds++) {
    leavers.noteEnd();
    clock.advance(ENDING_MS - 1);
    leavers.noteEnd();
    assert.equal(unread(), 0);
    clock.advance(1);
    leavers.noteEnd();
    assert.equal(unread(), 2 * TOGETHER + 1);
    await nextTurn();
    assert.equal(unread(), TOGETHER + 1);
    // Those of a group that are gone too end nothing early.
    leavers.noteEnd();
    clock.advance(ENDING_MS);
    leavers.noteEnd();
    await nextTurn();
    assert.equal(unread(), 1);
    await nextTurn();
    assert.equal(unread(), 0);
    await nextTurn();
  }
});

test("ends of different turns are no crowd", async () => {
  const { clock, leavers, unread } = crowd(1);
  leavers.noteEnd();
  await nextTurn();
  clock.advance(10 * ENDING_MS);
  leavers.noteEnd();
  assert.equal(unread(), 0);
});

test("who is gone is left alone", () => {
  const { clock, leavers, peers } = crowd(2);
  const [gone, left] = peers as [FakePeer, FakePeer];
  leavers.delete(gone);
  leavers.noteEnd();
  clock.advance(ENDING_MS);
  leavers.noteEnd();
  assert.deepEqual([gone.unread, left.unread], [false, true]);
});
