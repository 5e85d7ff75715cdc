import { type Clock, systemClock } from "../../../core/kernel/clock.ts";

/** The machine's clock, moved. Timers fire when the test says so. */
export class MovableClock implements Clock {
  #offset = 0;
  readonly #timers = new Set<{ at: number; run: () => void }>();

  now(): number {
    return systemClock.now() + this.#offset;
  }

  monotonic(): number {
    return this.now();
  }

  after(ms: number, run: () => void): Disposable {
    const timer = { at: this.now() + ms, run };
    this.#timers.add(timer);
    return { [Symbol.dispose]: () => this.#timers.delete(timer) };
  }

  async sleep(): Promise<void> {
    throw new Error("nothing here sleeps");
  }

  /** Timers that are armed. */
  get armed(): number {
    return this.#timers.size;
  }

  /** Moves on and fires once each timer that is due. */
  advance(ms: number): void {
    this.#offset += ms;
    for (const timer of [...this.#timers].filter(({ at }) => at <= this.now())) {
      this.#timers.delete(timer);
      timer.run();
    }
  }
}
