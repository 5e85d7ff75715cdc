/** A resource or overview as REST shows it. Only what is read of it is looked at, and it may come from any version. */
export type Json = Readonly<Record<string, unknown>>;

export function recordOf(value: unknown): Json {
  return typeof value === "object" && value !== null ? (value as Json) : {};
}

export function arrayOf(value: unknown): Json[] {
  return Array.isArray(value) ? (value as Json[]) : [];
}

/** Empty if it is no text. */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** A time (RFC 3339) in milliseconds since 1970; undefined if it is none. */
export function timeOf(value: unknown): number | undefined {
  const time = typeof value === "string" ? Date.parse(value) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}
