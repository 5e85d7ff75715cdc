import type { Clock } from "./clock.ts";
import { LoopTurn } from "./loop-turn.ts";

/** Work that took less, all together, is not looked at for what it left to do; milliseconds. */
const TOGETHER_MS = 0.1;

/**
 * Spreads work that comes in crowds, as when all sidecars lost their connection at once: each piece has its turn in the
 * order in which it came, and the event loop is free between slices. Alone it is done at once.
 */
export class Turns {
  readonly #turn: LoopTurn;
  #waiting: (() => void)[] = [];
  /** Those of `#waiting` that had their turn. */
  #done = 0;
  /** End of the present slice, which ends with the turn of the event loop too. */
  #until = 0;
  #running = false;
  /** The work just done goes on without waiting. */
  #goesOn = false;
  readonly #held: () => boolean;

  /** While it is `held`, no work is done. Default: never. */
  constructor(clock: Clock, held = () => false) {
    this.#turn = LoopTurn.of(clock);
    this.#held = held;
  }

  /** Calls `work`, which must not throw, when it is its turn. */
  take(work: () => void): void {
    if (!this.#running) {
      this.#running = true;
      this.#until = this.#turn.monotonic() + this.#turn.share();
      setImmediate(() => this.#slice());
    }
    if (this.#waiting.length === 0 && !this.#held() && this.#turn.monotonic() < this.#until) work();
    else this.#waiting.push(work);
  }

  /** Resolves when it is the caller's turn; what it does until it waits for something else is part of the turn. */
  turn(): Promise<void> {
    return new Promise((resolve) => {
      this.take(() => {
        this.#goesOn = true;
        resolve();
      });
    });
  }

  #slice(): void {
    if (this.#waiting.length === 0) {
      this.#running = false;
      return;
    }
    this.#until = this.#turn.monotonic() + this.#turn.share();
    this.#next();
  }

  #next(): void {
    const together = this.#turn.monotonic() + TOGETHER_MS;
    this.#goesOn = false;
    for (;;) {
      const now = this.#turn.monotonic();
      const work = this.#held() || now >= this.#until ? undefined : this.#waiting[this.#done];
      if (!work) break;
      if (this.#goesOn || now >= together) {
        // Behind all that was left to do without waiting.
        queueMicrotask(() => process.nextTick(() => this.#next()));
        return;
      }
      this.#done++;
      work();
    }
    this.#waiting = this.#waiting.slice(this.#done);
    this.#done = 0;
    setImmediate(() => this.#slice());
  }
}
