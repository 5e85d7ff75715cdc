import { setTimeout as sleepTimer } from "node:timers/promises";

/** Time as a dependency, so that tests can move it. */
export interface Clock {
  /** Wall clock, milliseconds since 1970. May jump. */
  now(): number;
  /** Milliseconds since some fixed moment. Never jumps back; use it for durations. */
  monotonic(): number;
  /** Calls `run` once after `ms` milliseconds; disposing cancels it. */
  after(ms: number, run: () => void): Disposable;
  /** Resolves after `ms` milliseconds, rejects with AbortError when the signal aborts first. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
  async sleep(ms, signal) {
    await sleepTimer(ms, undefined, { signal });
  },
};
