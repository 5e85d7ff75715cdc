import type { Resource } from "../model/resource.ts";
import { type DataplaneSpec, type Tags, tagOf, tagSetsOf } from "../model/types/dataplane.ts";
import { badParameter, type Query } from "./pagination.ts";

/** Filters that every store understands. */
export interface StoreFilter {
  readonly nameContains: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
}

export type ItemFilter = (item: Resource) => boolean;

const LABEL_FILTER = /^filter\[labels\.(.+)\]$/;

/** `name` (part of the name) and `filter[labels.KEY]=VALUE` (exact); MM400 for any other `filter[...]` (contract, section 7.2). */
export function readStoreFilter(query: Query): StoreFilter {
  const labels: Record<string, string> = {};
  for (const [parameter, value] of Object.entries(query)) {
    if (!parameter.startsWith("filter[")) continue;
    const key = LABEL_FILTER.exec(parameter)?.[1];
    if (key === undefined || key === "__proto__")
      throw badParameter(parameter, "is no filter; there is filter[labels.KEY]");
    labels[key] = once(parameter, value);
  }
  const name = query["name"];
  return { nameContains: name === undefined ? undefined : once("name", name) || undefined, labels };
}

/** `tag=NAME:VALUE` (part of the value, repeatable) and `gateway=true|false|builtin|delegated`; undefined without either. */
export function readDataplaneFilter(query: Query): ItemFilter | undefined {
  const filters: ItemFilter[] = [];
  const tags = [query["tag"] ?? []].flat().map(tagOfParameter);
  if (tags.length > 0) filters.push((item) => tagSetsOf(item.spec as DataplaneSpec).some((set) => hasTags(set, tags)));
  const gateway = query["gateway"];
  if (gateway !== undefined) filters.push(gatewayFilter(once("gateway", gateway)));
  return filters.length === 0 ? undefined : (item) => filters.every((filter) => filter(item));
}

/** All filters of a list of Dataplanes as one, for items that come without a list. */
export function readItemFilter(query: Query): ItemFilter {
  const { nameContains = "", labels } = readStoreFilter(query);
  const own = readDataplaneFilter(query);
  const wanted = Object.entries(labels);
  return (item) =>
    item.name.includes(nameContains) &&
    wanted.every(([key, value]) => tagOf(item.labels, key) === value) &&
    (own?.(item) ?? true);
}

function tagOfParameter(parameter: string): readonly [string, string] {
  const at = parameter.indexOf(":");
  if (at < 1) throw badParameter("tag", `must be NAME:VALUE, not "${parameter}"`);
  return [parameter.slice(0, at), parameter.slice(at + 1)];
}

function hasTags(set: Tags, tags: readonly (readonly [string, string])[]): boolean {
  return tags.every(([name, part]) => tagOf(set, name)?.includes(part) ?? false);
}

function gatewayFilter(word: string): ItemFilter {
  const kindOf = (item: Resource) => {
    const { gateway } = (item.spec as DataplaneSpec).networking;
    if (!gateway) return "none";
    return gateway.type === "BUILTIN" ? "builtin" : "delegated";
  };
  switch (word) {
    case "true":
      return (item) => kindOf(item) !== "none";
    case "false":
      return (item) => kindOf(item) === "none";
    case "builtin":
    case "delegated":
      return (item) => kindOf(item) === word;
    default:
      throw badParameter("gateway", "must be one of true, false, builtin, delegated");
  }
}

function once(parameter: string, value: string | readonly string[] | undefined): string {
  if (typeof value === "string") return value;
  throw badParameter(parameter, "must be given once");
}
