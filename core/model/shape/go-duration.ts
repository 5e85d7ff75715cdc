/** Milliseconds as Go writes a duration, which is how plugin types show theirs: `1h0m0s`, `15s`, `1.5s`, `250ms`, `0s`. */
export function formatGoDuration(ms: number): string {
  const nanos = Math.round(Math.abs(ms) * 1e6);
  const sign = ms < 0 && nanos > 0 ? "-" : "";
  if (nanos === 0) return "0s";
  if (nanos < 1e3) return `${sign}${nanos}ns`;
  if (nanos < 1e6) return `${sign}${decimal(nanos, 1e3)}µs`;
  if (nanos < 1e9) return `${sign}${decimal(nanos, 1e6)}ms`;
  const minutes = Math.floor(nanos / 60e9);
  const seconds = `${decimal(nanos - minutes * 60e9, 1e9)}s`;
  if (minutes === 0) return `${sign}${seconds}`;
  const hours = Math.floor(minutes / 60);
  return `${sign}${hours === 0 ? "" : `${hours}h`}${minutes - hours * 60}m${seconds}`;
}

/** Whole units and, after a point, what is left of them, without trailing zeros. */
function decimal(nanos: number, unit: number): string {
  const whole = Math.floor(nanos / unit);
  const rest = String(nanos - whole * unit).padStart(String(unit).length - 1, "0");
  return `${whole}.${rest}`.replace(/\.?0+$/, "");
}
