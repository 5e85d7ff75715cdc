import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "../kernel/clock.ts";
import { LoopTurn } from "../kernel/loop-turn.ts";
import type { Outflow } from "../kernel/outflow.ts";

/** However long the writing takes, answers are left unread no longer than this; milliseconds. */
const ANSWERS_WAIT_MS = 500;

/** Cuts long work into slices, so that the event loop is never blocked for long. */
export class TimeSlice {
  readonly #clock: Clock;
  readonly #turn: LoopTurn;
  #start = 0;
  #owedAtStart = 0;
  #share = 0;
  #writingShare = 0;
  #longest = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#turn = LoopTurn.of(clock);
    this.begin();
  }

  /** Longest slice so far, in milliseconds. */
  get longest(): number {
    return this.#longest;
  }

  /** Work begins after a wait. */
  begin(): void {
    this.#share = this.#turn.share();
    this.#writingShare = this.#turn.writingShare();
    this.#start = this.#clock.monotonic();
    this.#owedAtStart = this.#turn.owed;
  }

  /** True when others should have their turn: await `pause` then. */
  over(writing = false): boolean {
    const spent = this.#clock.monotonic() - this.#start;
    if (spent > this.#longest) this.#longest = spent;
    // Each write has left before the next visit: what it leaves to Node is in `spent` already.
    if (writing) return spent >= this.#writingShare;
    return spent + this.#turn.owed - this.#owedAtStart >= this.#share;
  }

  async pause(): Promise<void> {
    await nextTurn();
    this.begin();
  }

  /**
   * Visits each item, one after the other. What a visit writes leaves before the next one begins; one that returns a promise
   * is waited for, and must not reject. Rejects with what a visit throws. `answersWait`: what those who are written to answer
   * is read when all have been visited.
   */
  async each<T>(
    items: Iterable<T>,
    outflow: Outflow,
    visit: (item: T) => Promise<void> | undefined,
    answersWait = false,
  ): Promise<void> {
    if (answersWait) outflow.answers.begin();
    try {
      await this.#each(items, outflow, visit);
    } finally {
      outflow.answers.release();
    }
  }

  #each<T>(items: Iterable<T>, outflow: Outflow, visit: (item: T) => Promise<void> | undefined): Promise<void> {
    const iterator = items[Symbol.iterator]();
    this.begin();
    const answersWaitUntil = this.#start + ANSWERS_WAIT_MS;
    return new Promise((resolve, reject) => {
      const goOn = (): void => {
        outflow.flooded = false;
        if (this.#start > answersWaitUntil) outflow.answers.release();
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
      if (this.over(writing)) {
        outflow.answers.hold();
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
