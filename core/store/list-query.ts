import { MeshError } from "../kernel/errors.ts";
import type { ListQuery } from "./resource-store.ts";

/** Where a page ended. */
export interface ListPosition {
  readonly mesh: string;
  readonly name: string;
}

/** Whether the query has filters beside type and mesh, so that items must be looked at one by one. */
export function isFiltered(query: ListQuery): boolean {
  return Boolean(query.nameContains) || Object.keys(query.labels ?? {}).length > 0;
}

/** Whether an item passes the query's filters on name and labels; its mesh is the caller's to check. */
export function matchesFilters(
  query: ListQuery,
  name: string,
  labels: () => Readonly<Record<string, string>>,
): boolean {
  if (query.nameContains && !name.includes(query.nameContains)) return false;
  const wanted = Object.entries(query.labels ?? {});
  if (wanted.length === 0) return true;
  const has = labels();
  return wanted.every(([label, value]) => Object.hasOwn(has, label) && has[label] === value);
}

/** The opaque `next` of a page. It names the last item, not a count, so writes before it move nothing. */
export function encodePosition(position: ListPosition): string {
  return Buffer.from(JSON.stringify([position.mesh, position.name])).toString("base64url");
}

/** Reads `after`; MM400 when it is none of ours. */
export function decodePosition(after: string | undefined): ListPosition | undefined {
  if (after === undefined) return undefined;
  try {
    const [mesh, name, ...rest] = JSON.parse(Buffer.from(after, "base64url").toString());
    if (typeof mesh === "string" && typeof name === "string" && rest.length === 0) return { mesh, name };
  } catch {
    // Reported below like every other text that is not a position.
  }
  throw new MeshError("MM400", "the offset is not one that a list returned", {
    where: `offset ${JSON.stringify(after)}`,
    todo: "Take it from `next` of the page before, or start without one.",
  });
}

/** Refuses a limit that is no positive whole number (MM400); a list without end is asked for by leaving it out. */
export function checkLimit(limit: number | undefined): void {
  if (limit === undefined || (Number.isSafeInteger(limit) && limit > 0)) return;
  throw new MeshError("MM400", `a page of ${limit} items is not possible`, { todo: "Give a size of 1 or more." });
}
