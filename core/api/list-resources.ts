import { MeshError } from "../kernel/errors.ts";
import type { Resource } from "../model/resource.ts";
import type { ResourceType } from "../model/resource-type.ts";
import { DATAPLANE } from "../model/types/dataplane.ts";
import { decodePosition, encodePosition } from "../store/list-query.ts";
import type { ResourceStore } from "../store/resource-store.ts";
import { compareText } from "../store/text-order.ts";
import { type ItemFilter, readDataplaneFilter, readStoreFilter } from "./filters.ts";
import { badParameter, type Query, readPageRequest } from "./pagination.ts";

export interface Page {
  readonly items: readonly Resource[];
  readonly total: number;
  readonly next: string | undefined;
}

/** One page of a type, of one mesh or of all, as the query asks; `only`: of those that pass. */
export async function listResources(
  store: ResourceStore,
  type: ResourceType,
  mesh: string | undefined,
  query: Query,
  only?: ItemFilter,
): Promise<Page> {
  const { size, offset } = readPageRequest(query);
  const filter = { mesh, ...readStoreFilter(query) };
  const asked = type.name === DATAPLANE ? readDataplaneFilter(query) : undefined;
  try {
    if (!asked && !only) return await store.list(type.name, { ...filter, limit: size, after: offset });
    const { items } = await store.list(type.name, filter);
    const passed = items.filter((item) => (asked?.(item) ?? true) && (only?.(item) ?? true));
    return pageOf(passed, size, offset);
  } catch (error) {
    // The store cannot know what the parameter is called here.
    if (offset !== undefined && error instanceof MeshError && error.code === "MM400") {
      throw badParameter("offset", "must be one that a list returned");
    }
    throw error;
  }
}

/** The page after `offset` of items in the order of the store. */
function pageOf(items: readonly Resource[], size: number, offset: string | undefined): Page {
  const after = decodePosition(offset);
  const from = after === undefined ? 0 : items.findIndex((item) => isAfter(item, after));
  const page = from < 0 ? [] : items.slice(from, from + size);
  const last = page.at(-1);
  const next = last && from + size < items.length ? encodePosition(last) : undefined;
  return { items: page, total: items.length, next };
}

function isAfter(item: Resource, position: { readonly mesh: string; readonly name: string }): boolean {
  return (compareText(item.mesh, position.mesh) || compareText(item.name, position.name)) > 0;
}
