import { inboundsOf } from "../../model/dataplane/access.ts";
import type { Inbound } from "../../model/dataplane/spec.ts";
import type { Resource } from "../../model/resource.ts";
import { toProtoJson } from "../../model/shape/proto-json.ts";
import type { DataplaneSpec } from "../../model/types/dataplane.ts";
import { splitTraffic, type TagRule } from "../../policy/disjoint-rules.ts";
import type {
  EffectivePolicies,
  MatchedPolicy,
  ProxyPolicies,
  TargetPolicies,
} from "../../policy/effective-policies.ts";
import { fromEntries, type PolicyEntry, proxyEntries, toEntries } from "../../policy/entries.ts";
import { mergeConfs } from "../../policy/merge.ts";
import type { Policy } from "../../policy/policy.ts";
import { buildEffectiveValues } from "./effective-values.ts";

type Json = Readonly<Record<string, unknown>>;
type Dataplane = Resource<DataplaneSpec>;

/**
 * What the policies say about a proxy, in the form of Kuma's `_rules` (contract, section 7.5), and as an addition of ours
 * `effective`: each value that counts in the end, and which item of which policy it comes from.
 */
export function buildRulesDocument(effective: EffectivePolicies, dataplane: Dataplane): Json {
  const policies = effective.forProxy(dataplane);
  return {
    httpMatches: [],
    resource: metaOf(dataplane),
    rules: [...policies.matched()].map(([policy, matched]) => ruleOfType(policy, matched, policies, dataplane)),
    effective: buildEffectiveValues(policies, dataplane),
  };
}

function ruleOfType(
  policy: Policy,
  matched: readonly MatchedPolicy[],
  policies: ProxyPolicies,
  dataplane: Dataplane,
): Json {
  const { definition, type } = policy;
  const resources = matched.map((match) => match.policy);
  const warnings: string[] = [];
  const rules = (entries: readonly PolicyEntry[]): Json[] => {
    const split = splitTraffic(entries);
    if (!split) warnings.push("the tags that items name divide the traffic into too many parts to be listed");
    return (split ?? []).map((rule) => tagRule(policy, rule));
  };
  const proxy = mergeConfs(proxyEntries(resources));
  const inbounds = inboundsOf(dataplane.spec).flatMap((inbound, index) => {
    const mine = matched.filter(({ selection }) => selection === "all" || selection.includes(index));
    return mine.length === 0 ? [] : [{ inbound, index, resources: mine.map((match) => match.policy) }];
  });
  return {
    type: type.name,
    ...(definition.toKinds ? { toRules: rules(toEntries(resources)), toResourceRules: [] } : {}),
    ...(definition.fromKinds
      ? {
          fromRules: inbounds.flatMap((each) => {
            const found = rules(fromEntries(each.resources));
            return found.length > 0 ? [{ inbound: inboundJson(each.inbound), rules: found }] : [];
          }),
        }
      : {}),
    ...(definition.hasRules
      ? {
          inboundRules: inbounds.flatMap(({ inbound, index }) => {
            const found = inboundRules(policy, policies.inbound(index));
            return found.length > 0 ? [{ inbound: inboundJson(inbound), rules: found }] : [];
          }),
        }
      : {}),
    ...(proxy ? { proxyRule: { conf: confJson(policy, proxy.conf), origin: originsOf(proxy.origins) } } : {}),
    warnings,
  };
}

function tagRule(policy: Policy, { matchers, merged }: TagRule): Json {
  return { matchers, conf: confJson(policy, merged.conf), origin: originsOf(merged.origins) };
}

function inboundRules(policy: Policy, target: TargetPolicies): Json[] {
  return target
    .confs("")
    .filter((each) => each.policy === policy)
    .map(({ merged }) => ({
      conf: [confJson(policy, merged.conf)],
      origin: merged.origins.map((entry) => ({ resourceMeta: metaOf(entry.policy), ruleIndex: entry.index })),
    }));
}

function inboundJson({ name, port, tags }: Inbound): Json {
  return { ...(name ? { name } : {}), port, tags: tags ?? {} };
}

/** A merged conf as the type's own JSON. */
export function confJson({ definition }: Policy, conf: Json): Json {
  return toProtoJson(definition.conf, conf);
}

/** Each policy once, weakest first. */
function originsOf(entries: readonly PolicyEntry[]): Json[] {
  return [...new Set(entries.map((entry) => entry.policy))].map(metaOf);
}

export function metaOf({ type, mesh, name, labels }: Resource): Json {
  return { type, mesh, name, labels };
}
