import { MeshError } from "../kernel/errors.ts";
import type { ListQuery } from "./resource-store.ts";

/** Where a page ended. */
export interface ListPosition {
  readonly mesh: string;
  readonly name: string;
}

/** Whether an item passes; `labels` is only asked for when they matter. */
export type ListFilter = (name: string, labels: () => Readonly<Record<string, string>>) => boolean;

/** The query's filter on name and labels; undefined if it has none, so that items need not be looked at one by one. */
export function buildFilter({ nameContains = "", labels = {} }: ListQuery): ListFilter | undefined {
  const wanted = Object.entries(labels);
  if (nameContains === "" && wanted.length === 0) return undefined;
  return (name, labelsOf) => {
    if (!name.includes(nameContains)) return false;
    if (wanted.length === 0) return true;
    const has = labelsOf();
    for (const [label, value] of wanted) if (!Object.hasOwn(has, label) || has[label] !== value) return false;
    return true;
  };
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
