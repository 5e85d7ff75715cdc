const UNIT_MS: Record<string, number> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/y;

/** Reads a duration in Go's syntax (`1h30m`, `250ms`, `0`); milliseconds, or undefined when it is none. Proto JSON's `5s` is a subset. */
export function parseDuration(text: string): number | undefined {
  if (text === "0") return 0;
  const sign = text.startsWith("-") ? -1 : 1;
  let at = text.startsWith("-") || text.startsWith("+") ? 1 : 0;
  if (at === text.length) return undefined;
  let total = 0;
  while (at < text.length) {
    PART.lastIndex = at;
    const match = PART.exec(text);
    if (!match) return undefined;
    total += Number(match[1]) * (UNIT_MS[match[2] ?? ""] ?? Number.NaN);
    at = PART.lastIndex;
  }
  return sign * total;
}

/** Writes milliseconds the way a person says it: `250ms`, `1.5s`, `30s`, `2m10s`, `24h`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`;
  if (ms < 10_000) return `${Math.round(ms / 100) / 10}s`;
  const seconds = Math.round(ms / 1000);
  const parts = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), seconds % 60] as const;
  return (
    [parts[0] ? `${parts[0]}h` : "", parts[1] ? `${parts[1]}m` : "", parts[2] ? `${parts[2]}s` : ""].join("") || "0s"
  );
}
