import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "../kernel/clock.ts";
import type { Outflow } from "../kernel/outflow.ts";

/** Longest work without a look at the network, in milliseconds. */
const BUDGET_MS = 10;
/**
 * The same for work that writes and lets it leave: meanwhile nothing is read, so that a thousand proxies have a change before
 * the first of them acknowledges it. Others wait no longer than 50 ms.
 */
const WRITING_BUDGET_MS = 42;

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
  over(budget = BUDGET_MS): boolean {
    const spent = this.#clock.monotonic() - this.#start;
    if (spent > this.#longest) this.#longest = spent;
    return spent >= budget;
  }

  async pause(): Promise<void> {
    await nextTurn();
    this.begin();
  }

  /**
   * Visits each item, one after the other. What a visit writes leaves before the next one begins; one that returns a promise
   * is waited for, and must not reject. Rejects with what a visit throws.
   */
  each<T>(items: Iterable<T>, outflow: Outflow, visit: (item: T) => Promise<void> | undefined): Promise<void> {
    const iterator = items[Symbol.iterator]();
    this.begin();
    return new Promise((resolve, reject) => {
      const goOn = (): void => {
        outflow.flooded = false;
        try {
          if (this.#visitSome(iterator, outflow, visit, goOn)) resolve();
        } catch (thrown) {
          reject(thrown);
        }
      };
      goOn();
    });
  }

  /** True if nothing is left; else sees to it that `goOn` is called. */
  #visitSome<T>(
    items: Iterator<T>,
    outflow: Outflow,
    visit: (item: T) => Promise<void> | undefined,
    goOn: () => void,
  ): boolean {
    for (let next = items.next(); !next.done; next = items.next()) {
      const visiting = visit(next.value);
      if (visiting) {
        void visiting.then(goOn);
        return false;
      }
      const writing = outflow.busy;
      outflow.flooded = writing;
      if (this.over(writing ? WRITING_BUDGET_MS : BUDGET_MS)) {
        void this.pause().then(goOn);
        return false;
      }
      if (!writing) continue;
      outflow.whenLeft((turned) => {
        if (turned) this.begin();
        goOn();
      });
      return false;
    }
    return true;
  }
}
