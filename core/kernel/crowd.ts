import type { Clock } from "./clock.ts";
import { RestAfterBurst } from "./rest-after-burst.ts";
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
  /** Of moments at which it is a crowd. */
  readonly #crowded: RestAfterBurst;
  #count = 0;
  #since = Number.NEGATIVE_INFINITY;
  #going = false;

  constructor(options: CrowdOptions) {
    this.#options = options;
    const { clock, scope } = options;
    const run = () => this.#end();
    this.#crowded = new RestAfterBurst({
      clock,
      scope,
      least: 1,
      quietMs: QUIET_MS,
      longestMs: Number.POSITIVE_INFINITY,
      run,
    });
  }

  /** Whether it has begun and not ended. */
  get going(): boolean {
    return this.#going;
  }

  /** One more came. Costs next to nothing. */
  note(): void {
    const { clock, scope, least, begin } = this.#options;
    const now = clock.monotonic();
    if (now - this.#since >= WITHIN_MS) {
      this.#since = now;
      this.#count = 0;
    }
    if (++this.#count < least || scope.closed) return;
    this.#crowded.note();
    if (this.#going) return;
    this.#going = true;
    begin();
  }

  #end(): void {
    this.#going = false;
    this.#options.end();
  }
}
