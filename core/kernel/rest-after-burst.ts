import type { Clock } from "./clock.ts";
import type { Scope } from "./scope.ts";

export interface RestAfterBurstOptions {
  readonly clock: Clock;
  readonly scope: Scope;
  /** Events that make a burst. */
  readonly least: number;
  /** A burst is over when nothing happened for this long; milliseconds. */
  readonly quietMs: number;
  /** One that goes on counts as over, and another begins, after this; milliseconds. */
  readonly longestMs: number;
  /** Called once after each burst. */
  readonly run: () => void;
}

/** Says when a burst of events is over. An event costs next to nothing, and nothing runs between bursts. */
export class RestAfterBurst {
  readonly #options: RestAfterBurstOptions;
  #count = 0;
  #first = 0;
  #last = 0;
  #timer: Disposable | undefined;

  constructor(options: RestAfterBurstOptions) {
    this.#options = options;
    options.scope.defer(() => this.#timer?.[Symbol.dispose]());
  }

  /** Something of what bursts are made of happened. */
  note(): void {
    const { clock, scope, least, quietMs } = this.#options;
    const now = clock.monotonic();
    // A few events long ago are no part of this.
    if (!this.#timer && now - this.#last >= quietMs) this.#count = 0;
    this.#last = now;
    if (this.#count++ === 0) this.#first = now;
    if (this.#count >= least && !scope.closed) this.#timer ??= clock.after(quietMs, () => this.#look());
  }

  #look(): void {
    const { clock, quietMs, longestMs, run } = this.#options;
    const left = Math.min(this.#last + quietMs, this.#first + longestMs) - clock.monotonic();
    if (left > 0) {
      this.#timer = clock.after(left, () => this.#look());
      return;
    }
    this.#timer = undefined;
    this.#count = 0;
    run();
  }
}
