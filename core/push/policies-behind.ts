import { inboundListenerName, outboundListenerName } from "../envoy/names.ts";
import { inboundAddress, inboundsOf } from "../model/dataplane/access.ts";
import type { DataplaneSpec } from "../model/dataplane/spec.ts";
import type { ResourceKey } from "../model/resource.ts";
import type { EffectivePolicies, ProxyPolicies, TargetConf } from "../policy/effective-policies.ts";
import { lookupAddress, type MeshView } from "../view/mesh-view.ts";
import { type ProxyPlan, planProxy } from "./proxy-plan.ts";

/**
 * The policies that gave a listener or cluster of a proxy one of its values, strongest first; for whoever tells that Envoy
 * refused it. Planned anew each time it is asked, so that nothing is kept for what hardly ever happens. Empty for what the
 * proxy does not have now, and for endpoints, in which policies have no say.
 */
export function policiesBehind(
  view: MeshView,
  proxy: string,
  policies: EffectivePolicies,
  resource: string,
): readonly ResourceKey[] {
  const dataplane = view.proxies.get(proxy)?.dataplane;
  const plan = planProxy(view, proxy, [], { policies });
  if (!dataplane || !plan) return [];
  const keys = new Map<string, ResourceKey>();
  for (const { merged } of confsOf(view, dataplane.spec, plan, policies.forProxy(dataplane), resource)) {
    for (const { policy } of merged.origins.toReversed()) {
      const gives = merged.values.values().some((entries) => entries.some((entry) => entry.policy === policy));
      const { type, mesh, name } = policy;
      if (gives) keys.set(`${type} ${name}`, { type, mesh, name });
    }
  }
  return [...keys.values()];
}

/** What is said about the target that a resource was made for. A cluster is found by the listener that leads to it. */
function confsOf(
  view: MeshView,
  spec: DataplaneSpec,
  { resources }: ProxyPlan,
  policies: ProxyPolicies,
  resource: string,
): readonly TargetConf[] {
  for (const input of resources) {
    if (input.kind === "outbound-listener") {
      const isIt = input.cluster === resource || outboundListenerName(input.address, input.port) === resource;
      if (isIt) return policies.outbound.confs(input.service);
    }
    if (input.kind === "inbound-listener") {
      const isIt = input.cluster === resource || inboundListenerName(input.address, input.port) === resource;
      if (isIt) return policies.inbound(indexOfInbound(view, spec, input)).confs(input.service);
    }
  }
  return [];
}

function indexOfInbound(
  view: MeshView,
  spec: DataplaneSpec,
  { address, port }: { readonly address: string; readonly port: number },
): number {
  return inboundsOf(spec).findIndex(
    (inbound) => inbound.port === port && lookupAddress(view, inboundAddress(spec, inbound)) === address,
  );
}
