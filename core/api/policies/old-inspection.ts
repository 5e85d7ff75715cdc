import { inboundsOf, outboundsOf, serviceOf, servicePort } from "../../model/dataplane/access.ts";
import type { Resource } from "../../model/resource.ts";
import { resourceToJson } from "../../model/resource-json.ts";
import type { DataplaneSpec } from "../../model/types/dataplane.ts";
import { splitTraffic, type TagRule } from "../../policy/disjoint-rules.ts";
import type { EffectivePolicies, ProxyPolicies } from "../../policy/effective-policies.ts";
import { inboundEntries, type PolicyEntry, proxyEntries, toEntries } from "../../policy/entries.ts";
import type { Policy } from "../../policy/policy.ts";
import { confJson } from "./rules-document.ts";

type Json = Readonly<Record<string, unknown>>;
type Dataplane = Resource<DataplaneSpec>;

/** The first form of inspection, `…/policies`: the policies that a proxy is selected by (contract, section 7.5). */
export function buildPoliciesDocument(effective: EffectivePolicies, dataplane: Dataplane): Json {
  const matched = effective.forProxy(dataplane).matched();
  const matchedPolicies = Object.fromEntries(
    [...matched].map(([{ type }, matches]) => [type.name, matches.map(({ policy }) => resourceToJson(type, policy))]),
  );
  const items = matched.size === 0 ? [] : [{ type: "dataplane", name: "", service: "", matchedPolicies }];
  return { total: items.length, kind: "SidecarDataplane", items };
}

/** The second form, `…/rules`: one item for each part of the traffic of each type (contract, section 7.5). */
export function buildOldRulesDocument(effective: EffectivePolicies, dataplane: Dataplane): Json {
  const policies = effective.forProxy(dataplane);
  const items = [...policies.matched().keys()].flatMap((policy) => [
    ...proxyItems(policy, policies),
    ...inboundItems(policy, policies, dataplane),
    ...destinationItems(policy, policies, dataplane),
  ]);
  return { total: items.length, items };
}

/** The old list of the proxies that a policy selects, which stock kumactl asks for. */
export function buildAffectedDocument(dataplanes: readonly Pick<Dataplane, "mesh" | "name">[]): Json {
  const items = dataplanes.map(({ mesh, name }) => ({
    kind: "SidecarDataplane",
    dataplane: { mesh, name },
    attachments: [{ type: "dataplane", name: "", service: "" }],
  }));
  return { total: items.length, items };
}

function proxyItems(policy: Policy, policies: ProxyPolicies): Json[] {
  const resources = (policies.matched().get(policy) ?? []).map((match) => match.policy);
  const place = { type: "SingleItem", name: "dataplane" };
  return rulesOf(proxyEntries(resources)).map((rule) => item(policy, rule, place));
}

function inboundItems(policy: Policy, policies: ProxyPolicies, { spec }: Dataplane): Json[] {
  const matched = policies.matched().get(policy) ?? [];
  return inboundsOf(spec).flatMap((inbound, index) => {
    const mine = matched.filter(({ selection }) => selection === "all" || selection.includes(index));
    const name = `${inbound.address || spec.networking.address}:${inbound.port}:${servicePort(inbound)}`;
    const place = { type: "ClientSubset", name, service: serviceOf(inbound) ?? "", tags: inbound.tags ?? {} };
    return rulesOf(inboundEntries(mine.map((match) => match.policy))).map((rule) => item(policy, rule, place));
  });
}

function destinationItems(policy: Policy, policies: ProxyPolicies, { spec }: Dataplane): Json[] {
  const resources = (policies.matched().get(policy) ?? []).map((match) => match.policy);
  return rulesOf(toEntries(resources)).map((rule) => {
    const service = rule.matchers.find(({ key, not }) => key === "kuma.io/service" && !not)?.value;
    const addresses = outboundsOf(spec)
      .filter((outbound) => outbound.service !== undefined && outbound.service === service)
      .map(({ address, port }) => `${address}:${port}`);
    return item(policy, rule, { type: "DestinationSubset", addresses, service: service ?? "" });
  });
}

function rulesOf(entries: readonly PolicyEntry[]): readonly TagRule[] {
  return splitTraffic(entries) ?? [];
}

function item(policy: Policy, { matchers, merged }: TagRule, place: Json): Json {
  const subset: Record<string, string> = {};
  for (const { key, value, not } of matchers) {
    subset[key] = [subset[key], `${not ? "!" : ""}${value}`].filter((part) => part !== undefined).join(",");
  }
  const origins = [...new Set(merged.origins.map((entry) => entry.policy))].map(({ mesh, name }) => ({ mesh, name }));
  return { ...place, policyType: policy.type.name, subset, conf: confJson(policy, merged.conf), origins };
}
