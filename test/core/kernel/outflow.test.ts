import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { Outflow } from "../../../core/kernel/outflow.ts";
import { FakePeer } from "../../support/fake-peer.ts";

test("who waits goes on when the last write has left, not an earlier one, and in the same turn", async () => {
  const outflow = new Outflow();
  const [one, two] = [new FakePeer(), new FakePeer()];
  const heard: boolean[] = [];
  assert.equal(outflow.busy, false);
  outflow.wrote(one);
  outflow.wrote(two);
  assert.equal(outflow.busy, true);
  outflow.whenLeft((turned) => heard.push(turned));
  outflow.left(one);
  assert.deepEqual(heard, []);
  outflow.left(two);
  assert.deepEqual(heard, [false]);
  assert.equal(outflow.busy, false);
  await nextTurn();
  assert.deepEqual(heard, [false], "once");
});

test("a write that nobody reads holds up nobody for longer than a turn", async () => {
  const outflow = new Outflow();
  const stuck = new FakePeer();
  const heard: boolean[] = [];
  outflow.wrote(stuck);
  outflow.whenLeft((turned) => heard.push(turned));
  await nextTurn();
  assert.deepEqual(heard, [true]);
  outflow.left(stuck);
  assert.deepEqual(heard, [true]);
});
