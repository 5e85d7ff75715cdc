import { formatDuration } from "../kernel/duration.ts";
import type { ChangeOutcome, EventNews } from "./event.ts";

/** One line for people, in columns: `redis-1    joined     service redis, ...` (ux.md, 3.1). */
export function eventText({ kind, mesh, name, detail }: Pick<EventNews, "kind" | "mesh" | "name" | "detail">): string {
  const where = name === "" ? `mesh ${mesh}` : mesh === "" || mesh === "default" ? name : `${mesh}/${name}`;
  return `${where.padEnd(10)} ${kind.padEnd(10)} ${detail}`.trimEnd();
}

/** `acknowledged by 23 of 24 in 41ms; not yet by cart-1`; empty when no proxy was concerned. */
export function outcomeText({ concerned, acknowledged, missing, took }: ChangeOutcome): string {
  if (concerned === 0) return "";
  const who = concerned === 1 ? "1 proxy" : `${concerned} proxies`;
  const done = acknowledged === concerned ? `acknowledged by ${who}` : `acknowledged by ${acknowledged} of ${who}`;
  return `${done} in ${formatDuration(took)}${missing.length > 0 ? `; not yet by ${someOf(missing)}` : ""}`;
}

/** `a, b, c and 7 more`: a line has room for a few names. */
export function someOf(names: readonly string[], most = 3): string {
  if (names.length <= most + 1) return names.join(", ");
  return `${names.slice(0, most).join(", ")} and ${names.length - most} more`;
}
