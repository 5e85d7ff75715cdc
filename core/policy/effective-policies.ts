import { INBOUND, OUTBOUND, type TargetSettings } from "../envoy/settings.ts";
import { Memo } from "../kernel/memo.ts";
import { SERVICE_TAG } from "../model/dataplane/access.ts";
import type { DataplaneSpec } from "../model/dataplane/spec.ts";
import type { Resource, ResourceDraft } from "../model/resource.ts";
import { applyPatch } from "./apply-patch.ts";
import { entriesFor } from "./disjoint-rules.ts";
import { inboundEntries, type PolicyEntry, proxyEntries, toEntries } from "./entries.ts";
import { isApplied, type Selection, selectProxy } from "./match.ts";
import { type MergedConf, mergeConfs } from "./merge.ts";
import type { Policy, PolicyTarget } from "./policy.ts";
import type { PolicySpec } from "./policy-spec.ts";
import { comparePolicies } from "./rank.ts";

type PolicyResource = Resource<PolicySpec>;

/** A policy that selected something of a proxy. */
export interface MatchedPolicy {
  readonly policy: PolicyResource;
  readonly selection: Selection;
}

/** What the policies of one type say about a target. */
export interface TargetConf {
  readonly policy: Policy;
  readonly merged: MergedConf;
}

/** What all policies together mean for one proxy. */
export interface ProxyPolicies {
  /** Of each type with at least one match, weakest first. */
  matched(): ReadonlyMap<Policy, readonly MatchedPolicy[]>;
  /** What is said about the inbound at this position of the definition. */
  inbound(index: number): TargetPolicies;
  /** What is said about consumed services. */
  readonly outbound: TargetPolicies;
}

/** What some policies mean for targets of one direction; shared by all proxies that the same policies select. */
export interface TargetPolicies {
  settings(target: Omit<PolicyTarget, "direction">): TargetSettings;
  /** The merged confs behind the settings, by type. */
  confs(service: string): readonly TargetConf[];
}

/** Ranked policies of one type, those that name one Dataplane apart: a proxy looks at its own and at the general ones. */
interface RankedType {
  readonly policy: Policy;
  readonly ranked: readonly PolicyResource[];
  readonly general: readonly number[];
  readonly byName: ReadonlyMap<string, readonly number[]>;
}

/**
 * The policies of one mesh as they are at one moment, and what they mean for its proxies. Nothing is computed before it is
 * asked for, and what equal sets of policies mean for equal targets is computed once. A changed policy makes a new one.
 */
export class EffectivePolicies {
  readonly #types: readonly RankedType[];
  readonly #known = new Map<string, TargetPolicies>();

  /** `policiesOf` gives the stored policies of a type; policies are merged in their ranking, types in the order given. */
  constructor(types: readonly Policy[], policiesOf: (type: string) => Iterable<PolicyResource>) {
    this.#types = types.map((policy) => rankType(policy, [...policiesOf(policy.type.name)].filter(isApplied)));
  }

  forProxy(dataplane: ResourceDraft<DataplaneSpec>): ProxyPolicies {
    const matches = this.#types.map((type) => matchesOf(type, dataplane));
    const outbound = this.#targetPolicies("outbound", matches.map(numbersOf));
    return {
      matched: () => this.#matched(matches),
      outbound,
      inbound: (index) =>
        this.#targetPolicies(
          "inbound",
          matches.map((mine) =>
            numbersOf(mine.filter(({ selection }) => selection === "all" || selection.includes(index))),
          ),
        ),
    };
  }

  #matched(matches: readonly (readonly Match[])[]): ReadonlyMap<Policy, readonly MatchedPolicy[]> {
    const matched = new Map<Policy, readonly MatchedPolicy[]>();
    for (const [at, { policy, ranked }] of this.#types.entries()) {
      const mine = (matches[at] ?? []).map(({ number, selection }) => ({
        policy: ranked[number] as PolicyResource,
        selection,
      }));
      if (mine.length > 0) matched.set(policy, mine);
    }
    return matched;
  }

  #targetPolicies(direction: PolicyTarget["direction"], numbers: readonly (readonly number[])[]): TargetPolicies {
    const key = `${direction} ${numbers.join(";")}`;
    const known = this.#known.get(key);
    if (known) return known;
    const made = createTargetPolicies(
      direction,
      this.#types.map(({ policy, ranked }, at) => {
        const resources = (numbers[at] ?? []).map((number) => ranked[number] as PolicyResource);
        const own = direction === "outbound" ? toEntries(resources) : inboundEntries(resources);
        return { policy, entries: [...proxyEntries(resources), ...own] };
      }),
    );
    this.#known.set(key, made);
    return made;
  }
}

function rankType(policy: Policy, resources: PolicyResource[]): RankedType {
  const ranked = resources.sort(comparePolicies);
  const general: number[] = [];
  const byName = new Map<string, number[]>();
  for (const [number, { spec }] of ranked.entries()) {
    const name = spec.targetRef?.kind === "Dataplane" ? spec.targetRef.name : undefined;
    if (!name) general.push(number);
    else byName.set(name, [...(byName.get(name) ?? []), number]);
  }
  return { policy, ranked, general, byName };
}

interface Match {
  readonly number: number;
  readonly selection: Selection;
}

function matchesOf({ ranked, general, byName }: RankedType, dataplane: ResourceDraft<DataplaneSpec>): readonly Match[] {
  const named = byName.get(dataplane.name);
  const candidates = named ? [...general, ...named].sort((a, b) => a - b) : general;
  return candidates.flatMap((number) => {
    const selection = selectProxy(ranked[number] as PolicyResource, dataplane);
    return selection ? [{ number, selection }] : [];
  });
}

function numbersOf(matches: readonly Match[]): readonly number[] {
  return matches.map(({ number }) => number);
}

/** Targets whose settings are kept; more are of services that are gone, unless a mesh is larger than any that is known. */
const MOST_KNOWN = 10_000;

interface TypeEntries {
  readonly policy: Policy;
  readonly entries: readonly PolicyEntry[];
}

function createTargetPolicies(direction: PolicyTarget["direction"], types: readonly TypeEntries[]): TargetPolicies {
  const base = direction === "inbound" ? INBOUND : OUTBOUND;
  const known = new Memo<string, TargetSettings>(MOST_KNOWN);
  const confs = (service: string): TargetConf[] =>
    types.flatMap(({ policy, entries }) => {
      const tags = direction === "outbound" ? { [SERVICE_TAG]: service } : {};
      const merged = mergeConfs(entriesFor(entries, tags));
      return merged ? [{ policy, merged }] : [];
    });
  return {
    confs,
    settings({ service, protocol }) {
      return known.get(`${protocol} ${service}`, () => {
        const target = { direction, service, protocol };
        return confs(service).reduce(
          (before, { policy, merged }) => applyPatch(before, policy.definition.contribute(merged.conf, target)),
          base,
        );
      });
    },
  };
}
