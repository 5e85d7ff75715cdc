import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { InitialSyncs } from "../../../core/dp-server/initial-syncs.ts";
import type { AdsSession, StreamInfo } from "../../../core/xds/stream-events.ts";
import { ManualClock } from "../../support/manual-clock.ts";

class Bench {
  readonly clock = new ManualClock();
  readonly syncs = new InitialSyncs({ clock: this.clock, mostAtOnce: 2 });
  readonly opened: string[] = [];
  readonly #ends = new Map<string, AbortController>();
  /** Throws what the rest of the control plane refuses with. */
  admit: (id: string) => void = () => undefined;
  readonly configured = new Map<string, () => void>();
  readonly #open = this.syncs.limit(async (stream, configured) => {
    this.configured.set(stream.id, configured);
    this.opened.push(stream.id);
    this.admit(stream.id);
    return session;
  });

  open(id: string): Promise<AdsSession> {
    const end = new AbortController();
    this.#ends.set(id, end);
    return this.#open({ id, signal: end.signal } as StreamInfo);
  }

  end(id: string): void {
    this.#ends.get(id)?.abort();
  }
}

const session: AdsSession = {
  subscribe: () => ({ [Symbol.dispose]: () => undefined }),
  onSent: () => undefined,
  onAck: () => undefined,
  onNack: () => undefined,
  onSynced: () => undefined,
  onClose: () => undefined,
};

describe("initial syncs", () => {
  it("take turns: the next one is let in when a proxy has its configuration", async () => {
    const bench = new Bench();
    await bench.open("a");
    await bench.open("b");
    const third = bench.open("c");
    void bench.open("d");
    await bench.clock.settle();
    assert.deepEqual(bench.opened, ["a", "b"]);
    assert.deepEqual(bench.syncs.stats, { underWay: 2, waiting: 2 });
    bench.configured.get("a")?.();
    await third;
    assert.deepEqual(bench.opened, ["a", "b", "c"]);
    assert.deepEqual(bench.syncs.stats, { underWay: 2, waiting: 1 });
  });

  it("do not wait for one that ended, was refused or takes too long", async () => {
    const bench = new Bench();
    bench.admit = (id) => {
      if (id === "b") throw new Error("refused");
    };
    await bench.open("a");
    await assert.rejects(bench.open("b"), /refused/);
    await bench.open("c");
    const fourth = bench.open("d");
    bench.end("a");
    await fourth;
    const fifth = bench.open("e");
    await bench.clock.advance(4999);
    assert.deepEqual(bench.opened, ["a", "b", "c", "d"]);
    await bench.clock.advance(1);
    await fifth;
    assert.deepEqual(bench.syncs.stats, { underWay: 1, waiting: 0 });
  });

  it("give no turn to a stream that ended while it waited", async () => {
    const bench = new Bench();
    await bench.open("a");
    await bench.open("b");
    void bench.open("c");
    const fourth = bench.open("d");
    bench.end("c");
    await bench.clock.settle();
    assert.deepEqual(bench.syncs.stats, { underWay: 2, waiting: 1 });
    bench.end("a");
    await fourth;
    assert.deepEqual(bench.syncs.stats, { underWay: 2, waiting: 0 });
  });
});
