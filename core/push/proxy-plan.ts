import type { ResourceInput } from "../envoy/inputs.ts";
import { localClusterNames } from "../envoy/names.ts";
import { isHttp, isHttp2 } from "../envoy/protocols.ts";
import { type AbilitySettings, INTERNAL_CIDRS } from "../envoy/settings.ts";
import {
  inboundAddress,
  inboundsOf,
  type Protocol,
  protocolOf,
  serviceAddress,
  serviceOf,
  servicePort,
} from "../model/dataplane/access.ts";
import type { DataplaneSpec } from "../model/dataplane/spec.ts";
import { FAILURES_FEATURE } from "../model/request-failure.ts";
import { EffectivePolicies, type ProxyPolicies } from "../policy/effective-policies.ts";
import { lookupAddress, type MeshView } from "../view/mesh-view.ts";
import { type PlannedAssignment, planOutbounds } from "./outbound-plan.ts";

/** What a proxy needs, as inputs: nothing is built yet, and endpoints are not looked at. */
export interface ProxyPlan {
  readonly resources: readonly ResourceInput[];
  readonly assignments: readonly PlannedAssignment[];
}

/** Feature by which a sidecar allows that its ports are shared, so that a successor can listen beside it. */
const REUSE_PORT = "feature-reuse-port";

const NO_POLICIES = new EffectivePolicies([], () => []);

export interface PlanOptions {
  /** What the policies of the mesh mean. Default: there are none. */
  readonly policies?: EffectivePolicies | undefined;
  /** Whether answers that Envoy makes itself say so. Default true. */
  readonly explainReplies?: boolean | undefined;
}

/**
 * What a proxy needs according to its Dataplane, the policies that select it and the protocols of the services it
 * consumes. Undefined while the Dataplane is not there or an address of its own has no answer yet: half a configuration
 * would look like a whole one.
 */
export function planProxy(
  view: MeshView,
  name: string,
  features: readonly string[],
  { policies = NO_POLICIES, explainReplies = true }: PlanOptions = {},
): ProxyPlan | undefined {
  const dataplane = view.proxies.get(name)?.dataplane;
  if (!dataplane) return undefined;
  const { spec } = dataplane;
  const ability = abilitySettings(features, explainReplies);
  const mine = policies.forProxy(dataplane);
  const inbound = planInbounds(view, spec, mine, ability);
  if (!inbound) return undefined;
  const outbound = planOutbounds(view, spec, mine.outbound, ability);
  return { resources: [...inbound, ...outbound.resources], assignments: outbound.assignments };
}

/** What a sidecar is able to do, as settings of its listeners. */
function abilitySettings(features: readonly string[], explainReplies: boolean): AbilitySettings {
  const failureLog = features.includes(FAILURES_FEATURE);
  return {
    reusePort: features.includes(REUSE_PORT),
    failureLog,
    explainReplies: explainReplies ? (failureLog ? "dataplane" : "host") : undefined,
  };
}

/**
 * Of two inbounds on one address and port the first counts: only one can listen. Inbounds that lead to one application
 * share its cluster, with the settings of the first.
 */
function planInbounds(
  view: MeshView,
  spec: DataplaneSpec,
  policies: ProxyPolicies,
  ability: AbilitySettings,
): ResourceInput[] | undefined {
  const resources = new Map<string, ResourceInput>();
  const clusters = new Map<string, string>();
  for (const [index, inbound] of inboundsOf(spec).entries()) {
    const address = lookupAddress(view, inboundAddress(spec, inbound));
    if (address === undefined) return undefined;
    const { port } = inbound;
    const place = `listener ${address} ${port}`;
    if (resources.has(place)) continue;
    const protocol = protocolOf(inbound);
    const application = { address: serviceAddress(inbound), port: servicePort(inbound) };
    const cluster = chooseLocalCluster(clusters, application.address, application.port, protocol);
    const service = serviceOf(inbound);
    const settings = policies.inbound(index).settings({ service: service ?? "", protocol });
    resources.set(place, {
      kind: "inbound-listener",
      address,
      port,
      tags: inbound.tags ?? {},
      service: service ?? cluster,
      protocol,
      cluster,
      listener: { ...settings.listener, ...ability },
      route: settings.route,
      internalCidrs: INTERNAL_CIDRS,
    });
    const input = { name: cluster, ...application, protocol, cluster: settings.cluster };
    if (!resources.has(cluster)) resources.set(cluster, { kind: "inbound-cluster", ...input });
  }
  return [...resources.values()];
}

function chooseLocalCluster(taken: Map<string, string>, address: string, port: number, protocol: Protocol): string {
  const transport = isHttp2(protocol) ? "http2" : isHttp(protocol) ? "http" : "tcp";
  const target = `${address}/${transport}`;
  const names = localClusterNames(address, port, transport);
  const name = names.find((each) => (taken.get(each) ?? target) === target) as string;
  taken.set(name, target);
  return name;
}
