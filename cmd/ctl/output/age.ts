/** A span for a table cell: `3s`, `12m`, `3h`, `6d`. Kuma's columns use the same units. */
export function ageText(ms: number): string {
  if (!Number.isFinite(ms)) return "-";
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

export function ageSince(time: string | undefined, now: number): string {
  return time === undefined ? "never" : ageText(now - Date.parse(time));
}
