import { isJsonObject } from "../model/shape/proto-json.ts";
import type { PolicyEntry } from "./entries.ts";

type Json = Readonly<Record<string, unknown>>;

/** A conf that several policies made together. */
export interface MergedConf {
  readonly conf: Json;
  /** The entries that had a part in it, weakest first. */
  readonly origins: readonly PolicyEntry[];
  /**
   * Where each value came from, by its path (`http.requestTimeout`), in the order in which values were first set. More
   * than one entry only for lists that are appended to.
   */
  readonly values: ReadonlyMap<string, readonly PolicyEntry[]>;
}

/**
 * Merges confs, weakest first, as JSON merge patches (RFC 7396): objects field by field, everything else is replaced, null
 * removes. Lists whose name begins with `append` are joined instead of replaced. Undefined when there is nothing.
 */
export function mergeConfs(entries: readonly PolicyEntry[]): MergedConf | undefined {
  if (entries.length === 0) return undefined;
  const values = new Map<string, readonly PolicyEntry[]>();
  const conf = entries.reduce<Json>((merged, entry) => mergeObject(merged, entry.conf, "", entry, values), {});
  return { conf, origins: entries, values };
}

function mergeObject(
  target: Json,
  patch: Json,
  path: string,
  entry: PolicyEntry,
  values: Map<string, readonly PolicyEntry[]>,
): Json {
  const result: Record<string, unknown> = { ...target };
  for (const [key, value] of Object.entries(patch)) {
    const field = path === "" ? key : `${path}.${key}`;
    const before = target[key];
    if (value === undefined) continue;
    if (isJsonObject(value)) {
      if (!isJsonObject(before)) forget(values, field);
      result[key] = mergeObject(isJsonObject(before) ? before : {}, value, field, entry, values);
    } else if (Array.isArray(value) && Array.isArray(before) && key.startsWith("append")) {
      result[key] = [...before, ...value];
      values.set(field, [...(values.get(field) ?? []), entry]);
    } else {
      forget(values, field);
      if (value === null) delete result[key];
      else {
        result[key] = value;
        values.set(field, [entry]);
      }
    }
  }
  return result;
}

/** Whatever stood at a field, or below it, is no longer there. */
function forget(values: Map<string, unknown>, field: string): void {
  for (const known of values.keys()) if (known === field || known.startsWith(`${field}.`)) values.delete(known);
}
