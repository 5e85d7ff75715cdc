import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { HeldAnswers } from "../../../core/kernel/held-answers.ts";
import { FakePeer, fakePeers } from "../../support/fake-peer.ts";

test("who was written to is left unread from the end of a turn until all is written", async () => {
  const answers = new HeldAnswers();
  const { peers, unread } = fakePeers(3);
  const [one, two, three] = peers as [FakePeer, FakePeer, FakePeer];
  answers.begin();
  answers.wrote(one);
  answers.wrote(two);
  assert.equal(unread(), 0, "the turn goes on");
  answers.hold();
  assert.equal(unread(), 2);
  // As Node does when what was written last has left.
  two.readAgain();
  answers.wrote(three);
  answers.hold();
  assert.equal(unread(), 3);
  answers.release();
  assert.equal(unread(), 0);
});

test("many are read again in groups", async () => {
  const answers = new HeldAnswers();
  const { peers, unread } = fakePeers(600);
  answers.begin();
  for (const peer of peers) answers.wrote(peer);
  answers.hold();
  answers.release();
  assert.equal(unread(), 350);
  await nextTurn();
  assert.equal(unread(), 100);
  await nextTurn();
  assert.equal(unread(), 0);
});

test("each of them is read again, also if it is the only one, and if the next push begins before", () => {
  for (const count of [1, 2, 5]) {
    const answers = new HeldAnswers();
    const { peers, unread } = fakePeers(count);
    answers.begin();
    for (const peer of peers) {
      answers.wrote(peer);
      answers.hold();
      answers.hold();
    }
    assert.equal(unread(), count);
    answers.begin();
    assert.equal(unread(), 0);
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
