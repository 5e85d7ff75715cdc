import type { Clock } from "./clock.ts";

/** How long the present turn of the event loop has been at something. */
export class TurnTimer {
  readonly #clock: Pick<Clock, "monotonic">;
  /** When it was asked first in this turn; undefined: not yet. */
  #since: number | undefined;

  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
  }

  /** Milliseconds since it was asked first in this turn; 0 if that is now. */
  passed(): number {
    const now = this.#clock.monotonic();
    if (this.#since === undefined) {
      this.#since = now;
      setImmediate(() => {
        this.#since = undefined;
      });
    }
    return now - this.#since;
  }
}
