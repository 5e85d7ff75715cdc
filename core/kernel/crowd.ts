import type { Clock } from "./clock.ts";
import type { Scope } from "./scope.ts";

export interface CrowdOptions {
  readonly clock: Clock;
  readonly scope: Scope;
  /** So many within a second are a crowd. */
  readonly least: number;
  readonly begin: () => void;
  /** Called when nothing came for `QUIET_MS` that is a crowd by itself. */
  readonly end: () => void;
}

const WITHIN_MS = 1000;
/** A crowd comes in waves, since the first of them keep everybody waiting; milliseconds. */
const QUIET_MS = 2000;

/** Says when many come at once: not how many there were, as `RestAfterBurst` does, but how fast. */
export class Crowd {
  readonly #options: CrowdOptions;
  #count = 0;
  #since = Number.NEGATIVE_INFINITY;
  /** When it was last a crowd. */
  #last = 0;
  #timer: Disposable | undefined;

  constructor(options: CrowdOptions) {
    this.#options = options;
    options.scope.defer(() => this.#timer?.[Symbol.dispose]());
  }

  /** Whether it has begun and not ended. */
  get going(): boolean {
    return this.#timer !== undefined;
  }

  /** One more came. Costs next to nothing. */
  note(): void {
    const { clock, scope, least, begin } = this.#options;
    const now = clock.monotonic();
    if (now - this.#since >= WITHIN_MS) {
      this.#since = now;
      this.#count = 0;
    }
    if (++this.#count < least) return;
    this.#last = now;
    if (this.going || scope.closed) return;
    this.#timer = clock.after(QUIET_MS, () => this.#look());
    begin();
  }

  #look(): void {
    const { clock, end } = this.#options;
    const left = this.#last + QUIET_MS - clock.monotonic();
    this.#timer = left > 0 ? clock.after(left, () => this.#look()) : undefined;
    if (!this.going) end();
  }
}
