import { parseDuration } from "../../kernel/duration.ts";

/** Milliseconds of a duration in proto JSON (`5s`, `0.250s`) or Go's syntax (`1m30s`); undefined when it is none. */
export function parseProtoDuration(text: string): number | undefined {
  return parseDuration(text);
}

/** Milliseconds as proto JSON writes a duration: seconds with no, three, six or nine decimals. */
export function formatProtoDuration(ms: number): string {
  const nanos = Math.round(Math.abs(ms) * 1e6);
  const seconds = Math.floor(nanos / 1e9);
  const rest = nanos % 1e9;
  const sign = ms < 0 && nanos > 0 ? "-" : "";
  if (rest === 0) return `${sign}${seconds}s`;
  const digits = String(rest).padStart(9, "0");
  const short = digits.endsWith("000000") ? digits.slice(0, 3) : digits.endsWith("000") ? digits.slice(0, 6) : digits;
  return `${sign}${seconds}.${short}s`;
}
