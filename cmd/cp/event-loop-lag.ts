import { createHistogram, performance } from "node:perf_hooks";

/** A turn that takes longer counts as this; microseconds. */
const LONGEST_US = 60_000_000;

/**
 * Begins to watch; returns how long the turns of the event loop were since the last call, in seconds by quantile (1 is the
 * longest): so long did what came meanwhile wait. Each turn is measured, as the time since the last one without that in
 * which the loop slept. Nothing wakes the process for it: an immediate that is not referenced runs when the loop turns
 * anyway.
 */
export function watchEventLoopLag(): () => Readonly<Record<string, number>> {
  const turns = createHistogram({ lowest: 1, highest: LONGEST_US, figures: 3 });
  let before = msAwake();
  const look = () => {
    const awake = msAwake();
    turns.record(Math.min(LONGEST_US, Math.max(1, Math.round((awake - before) * 1000))));
    before = awake;
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

/** Since the process started, without the time in which the loop slept. */
function msAwake(): number {
  return performance.now() - performance.nodeTiming.idleTime;
}
