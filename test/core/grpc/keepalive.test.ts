import assert from "node:assert/strict";
import { test } from "node:test";
import { Keepalive, type KeptPeer } from "../../../core/grpc/keepalive.ts";
import { Turns } from "../../../core/kernel/turns.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const SILENCE_MS = 2000;
const LOST_MS = 5000;

class FakeConnection implements KeptPeer {
  readonly heardAt = 0;
  asked = false;
  questions = 0;
  onLost: (() => void) | undefined;

  ask(): void {
    this.questions++;
  }

  lost(): void {
    this.onLost?.();
  }
}

test("a crowd that falls silent together is asked once and broken with over several turns of the event loop", async () => {
  const clock = new ManualClock();
  const keepalive = new Keepalive({ clock, turns: new Turns(clock), silenceMs: SILENCE_MS, lostMs: LOST_MS });
  const crowd = Array.from({ length: 20 }, () => new FakeConnection());
  let lost = 0;
  let lostInTurn = 0;
  let most = 0;
  for (const peer of crowd) {
    keepalive.add(peer);
    peer.onLost = () => {
      lost++;
      most = Math.max(most, ++lostInTurn);
      // What breaking with one takes; the next turn of the event loop begins to count anew.
      clock.freeze(4);
      setImmediate(() => {
        lostInTurn = 0;
      });
      keepalive.remove(peer);
    };
  }
  await clock.advance(LOST_MS - 1);
  assert.equal(lost, 0);
  assert.ok(crowd.every(({ questions }) => questions === 1));
  await clock.advance(1);
  for (let turn = 0; turn < 20; turn++) await clock.settle();
  assert.equal(lost, 20);
  assert.ok(most <= 8, `${most} in one turn`);
  assert.equal(clock.pending, 0);
});
