import { monitorEventLoopDelay } from "node:perf_hooks";

/**
 * The loop is looked at this often by native code, without a turn of JavaScript; milliseconds. Lateness may be understated by
 * as much. Each look wakes the process: at 10 ms watching took 1 % of a core, more than 1,000 idle sidecars.
 */
const RESOLUTION_MS = 25;

/** Begins to watch; returns how late the event loop was since the last call, in seconds by quantile (1 is the worst). */
export function watchEventLoopLag(): () => Readonly<Record<string, number>> {
  const lag = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  lag.enable();
  // What is recorded is the time between two looks: a loop that is never late shows the resolution.
  const seconds = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS) / 1000;
  return () => {
    const worst = lag.count > 0 ? lag.max : 0;
    const values = { 0.5: seconds(lag.percentile(50)), 0.99: seconds(lag.percentile(99)), 1: seconds(worst) };
    lag.reset();
    return values;
  };
}
