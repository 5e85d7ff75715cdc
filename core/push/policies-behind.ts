import { inboundListenerName, outboundListenerName } from "../envoy/names.ts";
import { inboundAddress, inboundsOf } from "../model/dataplane/access.ts";
import type { DataplaneSpec } from "../model/dataplane/spec.ts";
import type { EffectivePolicies, ProxyPolicies, TargetConf } from "../policy/effective-policies.ts";
import { lookupAddress, type MeshView } from "../view/mesh-view.ts";
import { type ProxyPlan, planProxy } from "./proxy-plan.ts";

/** A policy of the mesh that is spoken of. */
export interface PolicyName {
  readonly type: string;
  readonly name: string;
}

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
): readonly PolicyName[] {
  const dataplane = view.proxies.get(proxy)?.dataplane;
  const plan = planProxy(view, proxy, [], { policies });
  if (!dataplane || !plan) return [];
  return confsOf(view, dataplane.spec, plan, policies.forProxy(dataplane), resource).flatMap(({ merged }) => {
    const giving = new Set([...merged.values.values()].flat().map(({ policy }) => policy));
    const strongestFirst = new Set(merged.origins.map(({ policy }) => policy).reverse());
    return [...strongestFirst].filter((policy) => giving.has(policy)).map(({ type, name }) => ({ type, name }));
  });
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
    if (input.kind !== "outbound-listener" && input.kind !== "inbound-listener") continue;
    const outbound = input.kind === "outbound-listener";
    const nameOf = outbound ? outboundListenerName : inboundListenerName;
    if (input.cluster !== resource && nameOf(input.address, input.port) !== resource) continue;
    const target = outbound ? policies.outbound : policies.inbound(indexOfInbound(view, spec, input));
    return target.confs(input.service);
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
