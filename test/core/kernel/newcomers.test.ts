import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { Newcomers } from "../../../core/kernel/newcomers.ts";
import { FakePeer, fakePeers } from "../../support/fake-peer.ts";
import { SteppedClock } from "../../support/stepped-clock.ts";

const READING_MS = 8;
const NEW_MS = 2000;

function crowd(count: number) {
  const clock = new SteppedClock();
  const newcomers = new Newcomers(clock);
  const { peers, unread } = fakePeers(count);
  for (const peer of peers) newcomers.add(peer);
  return { clock, newcomers, peers, unread };
}

test("newcomers are left unread when a turn has read for long enough, until the next one", async () => {
  const { clock, newcomers, unread } = crowd(3);
  for (let turn = 0; turn < 3; turn++) {
    newcomers.noteRead();
    clock.advance(READING_MS - 1);
    newcomers.noteRead();
    assert.equal(unread(), 0);
    clock.advance(1);
    newcomers.noteRead();
    assert.equal(unread(), 3);
    newcomers.noteRead();
    await nextTurn();
    assert.equal(unread(), 0);
  }
});

test("the time between two turns does not count", async () => {
  const { clock, newcomers, unread } = crowd(1);
  newcomers.noteRead();
  await nextTurn();
  clock.advance(10 * READING_MS);
  newcomers.noteRead();
  assert.equal(unread(), 0);
});

test("who is gone, or came long ago, is left alone", async () => {
  const { clock, newcomers, peers } = crowd(2);
  const [old, gone] = peers as [FakePeer, FakePeer];
  clock.advance(NEW_MS);
  const late = new FakePeer();
  newcomers.add(late);
  newcomers.delete(gone);
  newcomers.noteRead();
  clock.advance(READING_MS);
  newcomers.noteRead();
  assert.deepEqual([old.unread, gone.unread, late.unread], [false, false, true]);
  await nextTurn();
  assert.equal(late.unread, false);
});
