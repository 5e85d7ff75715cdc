import type { EncodedResource } from "../envoy/encoded-resource.ts";
import type { ResourceList } from "../push/resource-list.ts";

/** How one list of resources differs from an older one. */
export interface ListChanges {
  /** New ones and those with another version. */
  readonly changed: readonly EncodedResource[];
  /** Names that are no longer there. */
  readonly removed: readonly string[];
}

const NONE_REMOVED: readonly string[] = [];

/**
 * Streams that share their lists (proxies with the same outbounds) are sent them one after the other: the last comparison
 * with a list is kept for as long as that list is. It names the older one by its serial number, and so keeps nothing of it.
 */
const latest = new WeakMap<ResourceList, { readonly before: number; readonly changes: ListChanges }>();
/** Shorter lists are compared faster than looked up. */
const WORTH_KEEPING = 100;

export function changesBetween(before: ResourceList, after: ResourceList): ListChanges {
  if (before.names === after.names && after.size < WORTH_KEEPING) return compareAlike(before, after);
  const known = latest.get(after);
  if (known?.before === before.serial) return known.changes;
  const changes = before.names === after.names ? compareAlike(before, after) : compare(before, after);
  latest.set(after, { before: before.serial, changes });
  return changes;
}

function compareAlike(before: ResourceList, after: ResourceList): ListChanges {
  const changed: EncodedResource[] = [];
  for (let at = 0; at < after.size; at++) {
    const resource = after.at(at) as EncodedResource;
    const old = before.at(at);
    if (old !== resource && old?.version !== resource.version) changed.push(resource);
  }
  return { changed, removed: NONE_REMOVED };
}

/** Both are sorted: one pass over the two. */
function compare(before: ResourceList, after: ResourceList): ListChanges {
  const changed: EncodedResource[] = [];
  const removed: string[] = [];
  let old = 0;
  for (const resource of after) {
    while (old < before.size && (before.names[old] as string) < resource.name)
      removed.push(before.names[old++] as string);
    const same = before.names[old] === resource.name ? before.at(old++) : undefined;
    if (same !== resource && same?.version !== resource.version) changed.push(resource);
  }
  return { changed, removed: removed.concat(before.names.slice(old)) };
}
