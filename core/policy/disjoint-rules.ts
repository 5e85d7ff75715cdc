import { type Tags, tagOf } from "../model/dataplane/access.ts";
import type { PolicyEntry } from "./entries.ts";
import { type MergedConf, mergeConfs } from "./merge.ts";

/** One condition on traffic: it has this tag, or (`not`) it has not. */
export interface TagMatcher {
  readonly key: string;
  readonly value: string;
  readonly not: boolean;
}

/** A part of all traffic and what is said about it. */
export interface TagRule {
  /** All of them hold; none means all traffic. */
  readonly matchers: readonly TagMatcher[];
  readonly merged: MergedConf;
}

/** More is not spelled out: rules that nobody could read, and comparisons of rules with entries (50 ms). */
const MOST_RULES = 10_000;
const MOST_WORK = 1_000_000;

/** The entries that are about traffic with these tags. */
export function entriesFor(entries: readonly PolicyEntry[], tags: Tags): readonly PolicyEntry[] {
  return entries.filter((entry) => Object.entries(entry.tags).every(([name, value]) => tagOf(tags, name) === value));
}

/**
 * Splits all traffic into parts of which each has exactly one conf, the most specific parts first, for people to read: the
 * engine asks `entriesFor` about the traffic it has instead. Every key of the entries gives one part for each value that
 * is named, and one for all others. Parts that nothing is said about are left out. Undefined when there would be more
 * parts than anybody could read.
 */
export function splitTraffic(entries: readonly PolicyEntry[]): readonly TagRule[] | undefined {
  const values = new Map<string, Set<string>>();
  for (const [key, value] of entries.flatMap((entry) => Object.entries(entry.tags))) {
    values.set(key, (values.get(key) ?? new Set()).add(value));
  }
  const count = [...values.values()].reduce((product, of) => product * (of.size + 1), 1);
  if (count > MOST_RULES || count * entries.length > MOST_WORK) return undefined;
  let parts: readonly (readonly TagMatcher[])[] = [[]];
  for (const key of [...values.keys()].sort()) {
    const choices = choicesOf(key, [...(values.get(key) ?? [])]);
    parts = parts.flatMap((part) => choices.map((choice) => [...part, ...choice]));
  }
  const rules = parts.flatMap((matchers) => {
    const merged = mergeConfs(entriesFor(entries, tagsOf(matchers)));
    return merged ? [{ matchers, merged }] : [];
  });
  return rules.sort((a, b) => positives(b) - positives(a));
}

function choicesOf(key: string, values: readonly string[]): readonly (readonly TagMatcher[])[] {
  const named = values.map((value) => [{ key, value, not: false }]);
  return [...named, values.toSorted().map((value) => ({ key, value, not: true }))];
}

function tagsOf(matchers: readonly TagMatcher[]): Tags {
  return Object.fromEntries(matchers.filter(({ not }) => !not).map(({ key, value }) => [key, value]));
}

function positives({ matchers }: TagRule): number {
  return matchers.filter(({ not }) => !not).length;
}
