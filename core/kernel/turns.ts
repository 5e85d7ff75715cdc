import type { Clock } from "./clock.ts";
import { LoopTurn } from "./loop-turn.ts";

/**
 * Spreads work that comes in crowds, as when all sidecars lost their connection at once: each piece has its turn in the
 * order in which it came, and the event loop is free between slices. Alone it is done at once.
 */
export class Turns {
  readonly #clock: Clock;
  readonly #turn: LoopTurn;
  #waiting: (() => void)[] = [];
  /** Those of `#waiting` that had their turn. */
  #done = 0;
  /** End of the present slice, which ends with the turn of the event loop too. */
  #until = 0;
  #running = false;
  readonly #held: () => boolean;

  /** While it is `held`, no work is done. Default: never. */
  constructor(clock: Clock, held = () => false) {
    this.#clock = clock;
    this.#turn = LoopTurn.of(clock);
    this.#held = held;
  }

  /** Calls `work`, which must not throw, when it is its turn. */
  take(work: () => void): void {
    if (!this.#running) {
      this.#running = true;
      this.#until = this.#clock.monotonic() + this.#turn.share();
      setImmediate(() => this.#slice());
    }
    if (this.#waiting.length === 0 && !this.#held() && this.#clock.monotonic() < this.#until) work();
    else this.#waiting.push(work);
  }

  /** Resolves when it is the caller's turn; what it does until it waits for something else is part of the turn. */
  turn(): Promise<void> {
    return new Promise((resolve) => this.take(resolve));
  }

  #slice(): void {
    if (this.#waiting.length === 0) {
      this.#running = false;
      return;
    }
    this.#until = this.#clock.monotonic() + this.#turn.share();
    this.#next();
  }

  #next(): void {
    const work = this.#held() ? undefined : this.#waiting[this.#done];
    if (work && this.#clock.monotonic() < this.#until) {
      this.#done++;
      work();
      // Behind all that the work has left to do without waiting.
      queueMicrotask(() => process.nextTick(() => this.#next()));
      return;
    }
    this.#waiting = this.#waiting.slice(this.#done);
    this.#done = 0;
    setImmediate(() => this.#slice());
  }
}
