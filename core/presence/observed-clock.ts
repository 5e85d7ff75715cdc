import type { Clock } from "../kernel/clock.ts";

/**
 * Counts the milliseconds during which some control plane was up to see its proxies. Every control plane runs one,
 * stores it with its heartbeat, and moves it forward to the highest value it meets in the store; so the clock is common to
 * all of them, stands still while none is up, and takes no notice of the wall clock. "Absent for 72 h" means 72 h
 * of this time.
 */
export class ObservedClock {
  readonly #clock: Clock;
  readonly #longestStep: number;
  #base: number;
  #basedAt: number;

  /**
   * `longestStep`: time between two calls of `beat` counts this many milliseconds at most. A process that was stopped
   * (a debugger, a frozen machine) saw nothing meanwhile, though its monotonic clock went on.
   */
  constructor(clock: Clock, longestStep: number) {
    this.#clock = clock;
    this.#longestStep = longestStep;
    this.#base = 0;
    this.#basedAt = clock.monotonic();
  }

  now(): number {
    return Math.round(this.#base + Math.min(this.#clock.monotonic() - this.#basedAt, this.#longestStep));
  }

  /** Says that the process is awake; returns the time. */
  beat(): number {
    this.#base = this.now();
    this.#basedAt = this.#clock.monotonic();
    return this.#base;
  }

  /** Another control plane has seen more than this one: go on from there. True if that moved the clock. */
  raise(observed: number): boolean {
    if (observed <= this.now()) return false;
    this.#base = observed;
    this.#basedAt = this.#clock.monotonic();
    return true;
  }
}
