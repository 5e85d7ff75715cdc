import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { HeldAnswers } from "../../../core/kernel/held-answers.ts";
import { FakePeer } from "../../support/fake-peer.ts";

const unreadOf = (peers: readonly FakePeer[]) => peers.filter(({ unread }) => unread).length;

test("who was written to is left unread from the end of a turn until all is written", async () => {
  const answers = new HeldAnswers();
  const peers = Array.from({ length: 3 }, () => new FakePeer());
  const [one, two, three] = peers as [FakePeer, FakePeer, FakePeer];
  answers.begin();
  answers.wrote(one);
  answers.wrote(two);
  assert.equal(unreadOf(peers), 0, "the turn goes on");
  answers.hold();
  assert.equal(unreadOf(peers), 2);
  // As Node does when what was written last has left.
  two.readAgain();
  answers.wrote(three);
  answers.hold();
  assert.equal(unreadOf(peers), 3);
  answers.release();
  assert.equal(unreadOf(peers), 0);
});

test("many are read again in groups", async () => {
  const answers = new HeldAnswers();
  const peers = Array.from({ length: 600 }, () => new FakePeer());
  answers.begin();
  for (const peer of peers) answers.wrote(peer);
  answers.hold();
  answers.release();
  assert.equal(unreadOf(peers), 350);
  await nextTurn();
  assert.equal(unreadOf(peers), 100);
  await nextTurn();
  assert.equal(unreadOf(peers), 0);
});

test("each of them is read again, also if it is the only one, and if the next push begins before", () => {
  for (const count of [1, 2, 5]) {
    const answers = new HeldAnswers();
    const peers = Array.from({ length: count }, () => new FakePeer());
    answers.begin();
    for (const peer of peers) {
      answers.wrote(peer);
      answers.hold();
      answers.hold();
    }
    assert.equal(unreadOf(peers), count);
    answers.begin();
    assert.equal(unreadOf(peers), 0);
  }
});

test("nobody is left unread if many writes were not announced, or are over", () => {
  const answers = new HeldAnswers();
  const peer = new FakePeer();
  answers.wrote(peer);
  answers.hold();
  answers.begin();
  answers.release();
  answers.wrote(peer);
  answers.hold();
  assert.equal(peer.unread, false);
});
