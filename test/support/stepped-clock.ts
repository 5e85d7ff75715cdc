import type { Clock } from "../../core/kernel/clock.ts";

/** A clock that moves only when told to, and at once: nothing has to be awaited. For the other see manual-clock.ts. */
export class SteppedClock implements Clock {
  #now = 1_000_000;
  #timers: { at: number; run: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): Disposable {
    const timer = { at: this.#now + ms, run };
    this.#timers.push(timer);
    return {
      [Symbol.dispose]: () => {
        this.#timers = this.#timers.filter((each) => each !== timer);
      },
    };
  }

  sleep(): Promise<void> {
    throw new Error("nothing here sleeps");
  }

  /** Timers that are armed. */
  get armed(): number {
    return this.#timers.length;
  }

  /** Moves on, firing what becomes due in order. A timer that re-arms itself for the same moment for ever is a fault. */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (let fired = 0; ; fired++) {
      if (fired > 1000) throw new Error("a timer fires again and again without time passing");
      const due = this.#timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.#timers = this.#timers.filter((each) => each !== due);
      this.#now = Math.max(this.#now, due.at);
      due.run();
    }
    this.#now = until;
  }
}
