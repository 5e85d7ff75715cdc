import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "../kernel/clock.ts";

/**
 * Longest work without a look at the network, in milliseconds. What was written in a slice leaves after it, and its
 * acknowledgements are taken before the next one: shorter slices delay the last proxies, longer ones everything else.
 */
const BUDGET_MS = 10;

/** Cuts long work into slices, so that the event loop is never blocked for long. */
export class TimeSlice {
  readonly #clock: Clock;
  #start: number;
  #longest = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#start = clock.monotonic();
  }

  /** Longest slice so far, in milliseconds. */
  get longest(): number {
    return this.#longest;
  }

  /** Work begins after a wait. */
  begin(): void {
    this.#start = this.#clock.monotonic();
  }

  /** True when others should have their turn: await `pause` then. */
  over(): boolean {
    const spent = this.#clock.monotonic() - this.#start;
    if (spent > this.#longest) this.#longest = spent;
    return spent >= BUDGET_MS;
  }

  async pause(): Promise<void> {
    await nextTurn();
    this.begin();
  }
}
