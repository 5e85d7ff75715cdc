import { setImmediate as turn } from "node:timers/promises";
import type { Clock } from "../../core/kernel/clock.ts";

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** A clock that only moves when a test says so. */
export class ManualClock implements Clock {
  readonly #timers = new Set<Timer>();
  #wall: number;
  #monotonic = 0;
  #order = 0;

  constructor(wall = Date.UTC(2024, 0, 1)) {
    this.#wall = wall;
  }

  now(): number {
    return this.#wall;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  after(ms: number, run: () => void): Disposable {
    const timer: Timer = { at: this.#monotonic + Math.max(0, ms), order: this.#order++, run };
    this.#timers.add(timer);
    return { [Symbol.dispose]: () => void this.#timers.delete(timer) };
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const onAbort = () => {
        timer[Symbol.dispose]();
        reject(new DOMException("aborted", "AbortError"));
      };
      const timer = this.after(ms, () => {
        signal.removeEventListener("abort", onAbort);
        resolve();
      });
      signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** Moves both clocks and runs the timers on the way, in order; whatever they set off is done when this resolves. */
  async advance(ms: number): Promise<void> {
    const target = this.#monotonic + ms;
    await this.settle();
    for (let next = this.#next(); next && next.at <= target; next = this.#next()) {
      this.#move(Math.max(next.at, this.#monotonic));
      this.#timers.delete(next);
      next.run();
      await this.settle();
    }
    this.#move(target);
    await this.settle();
  }

  /** The wall clock alone jumps, as a wrong time server makes it. */
  jump(ms: number): void {
    this.#wall += ms;
  }

  /** Time passes and the process does not notice (SIGSTOP, a frozen machine): timers that were due run with the next `advance`. */
  freeze(ms: number): void {
    this.#move(this.#monotonic + ms);
  }

  /** Lets everything run that waits for no timer. */
  async settle(): Promise<void> {
    await turn();
  }

  /** Timers that are set. */
  get pending(): number {
    return this.#timers.size;
  }

  #next(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (!first || timer.at < first.at || (timer.at === first.at && timer.order < first.order)) first = timer;
    }
    return first;
  }

  #move(to: number): void {
    this.#wall += to - this.#monotonic;
    this.#monotonic = to;
  }
}
