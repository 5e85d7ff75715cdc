import type { EncodedResource } from "../envoy/encoded-resource.ts";

export type ResourceMap = ReadonlyMap<string, EncodedResource>;

/** How one map of resources differs from an older one. */
export interface MapChanges {
  /** New ones and those with another version. */
  readonly changed: readonly EncodedResource[];
  /** Names that are no longer there. */
  readonly removed: readonly string[];
}

export const EMPTY_MAP: ResourceMap = new Map();

/**
 * Streams that share their maps (proxies with the same outbounds) share the comparison. Both levels are weak and a
 * comparison holds nothing of the older map but names, so that old maps are freed as soon as no stream needs them.
 */
const known = new WeakMap<ResourceMap, WeakMap<ResourceMap, MapChanges>>();

export function changesBetween(before: ResourceMap, after: ResourceMap): MapChanges {
  let fromOthers = known.get(after);
  if (!fromOthers) {
    fromOthers = new WeakMap();
    known.set(after, fromOthers);
  }
  let changes = fromOthers.get(before);
  if (!changes) {
    changes = compare(before, after);
    fromOthers.set(before, changes);
  }
  return changes;
}

function compare(before: ResourceMap, after: ResourceMap): MapChanges {
  const changed: EncodedResource[] = [];
  let common = 0;
  for (const [name, resource] of after) {
    const old = before.get(name);
    if (old) common++;
    if (old !== resource && old?.version !== resource.version) changed.push(resource);
  }
  if (common === before.size) return { changed, removed: [] };
  return { changed, removed: [...before.keys()].filter((name) => !after.has(name)) };
}
