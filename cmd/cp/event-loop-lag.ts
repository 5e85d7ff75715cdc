import { createHistogram, performance } from "node:perf_hooks";

/**
 * Begins to watch; returns how long the turns of the event loop were since the last call, in seconds by quantile (1 is the
 * longest): so long did what came meanwhile wait. Each turn is measured, as the time since the last one without that in
 * which the loop slept. Nothing wakes the process for it: an immediate that is not referenced runs when the loop turns
 * anyway.
 */
export function watchEventLoopLag(): () => Readonly<Record<string, number>> {
  const { nodeTiming } = performance;
  // Microseconds, up to a minute.
  const turns = createHistogram({ lowest: 1, highest: 60_000_000, figures: 3 });
  let awake = performance.now() - nodeTiming.idleTime;
  const look = () => {
    const before = awake;
    awake = performance.now() - nodeTiming.idleTime;
    turns.record(Math.min(60_000_000, Math.max(1, Math.round((awake - before) * 1000))));
    setImmediate(look).unref();
  };
  setImmediate(look).unref();
  return () => {
    const quantile = (share: number) => (turns.count > 0 ? turns.percentile(share * 100) / 1e6 : 0);
    const values = { 0.5: quantile(0.5), 0.99: quantile(0.99), 1: turns.count > 0 ? turns.max / 1e6 : 0 };
    turns.reset();
    return values;
  };
}
