import type { ResourceInput } from "../envoy/inputs.ts";
import { localClusterNames, outboundClusterName, outboundTags, subsetTags } from "../envoy/names.ts";
import { isHttp, isHttp2 } from "../envoy/protocols.ts";
import {
  INBOUND_CLUSTER,
  INBOUND_LISTENER,
  INBOUND_ROUTE,
  INTERNAL_CIDRS,
  type ListenerSettings,
  OUTBOUND_CLUSTER,
  OUTBOUND_LISTENER,
  OUTBOUND_ROUTE,
} from "../envoy/settings.ts";
import {
  inboundAddress,
  inboundsOf,
  outboundsOf,
  type Protocol,
  protocolOf,
  serviceAddress,
  serviceOf,
  servicePort,
  type Tags,
} from "../model/dataplane/access.ts";
import type { DataplaneSpec } from "../model/dataplane/spec.ts";
import { FAILURES_FEATURE } from "../model/request-failure.ts";
import { lookupAddress, type MeshView } from "../view/mesh-view.ts";

/** The ClusterLoadAssignment of one cluster. `subset`: see `buildLoadAssignment`. */
export interface PlannedAssignment {
  readonly cluster: string;
  readonly service: string;
  readonly subset: Tags | undefined;
}

/** What a proxy needs, as inputs: nothing is built yet, and endpoints are not looked at. */
export interface ProxyPlan {
  readonly resources: readonly ResourceInput[];
  readonly assignments: readonly PlannedAssignment[];
}

/** Feature by which a sidecar allows that its ports are shared, so that a successor can listen beside it. */
const REUSE_PORT = "feature-reuse-port";

/**
 * What a proxy needs according to its Dataplane and the protocols of the services it consumes. Undefined while the
 * Dataplane is not there or an address of its own has no answer yet: half a configuration would look like a whole one.
 * `explainReplies`: whether answers that Envoy makes itself say so.
 */
export function planProxy(
  view: MeshView,
  name: string,
  features: readonly string[],
  explainReplies = true,
): ProxyPlan | undefined {
  const spec = view.proxies.get(name)?.dataplane?.spec;
  if (!spec) return undefined;
  const ability = abilitySettings(features, explainReplies);
  const inbound = planInbounds(view, spec, { ...INBOUND_LISTENER, ...ability });
  if (!inbound) return undefined;
  const outbound = planOutbounds(view, spec, { ...OUTBOUND_LISTENER, ...ability });
  return { resources: [...inbound, ...outbound.resources], assignments: outbound.assignments };
}

/** What a sidecar is able to do, as settings of its listeners. */
function abilitySettings(
  features: readonly string[],
  explainReplies: boolean,
): Pick<ListenerSettings, "reusePort" | "failureLog" | "explainReplies"> {
  const failureLog = features.includes(FAILURES_FEATURE);
  return {
    reusePort: features.includes(REUSE_PORT),
    failureLog,
    explainReplies: explainReplies ? (failureLog ? "dataplane" : "host") : undefined,
  };
}

/** Of two inbounds on one address and port the first counts: only one can listen. */
function planInbounds(view: MeshView, spec: DataplaneSpec, listener: ListenerSettings): ResourceInput[] | undefined {
  const resources = new Map<string, ResourceInput>();
  const clusters = new Map<string, string>();
  for (const inbound of inboundsOf(spec)) {
    const address = lookupAddress(view, inboundAddress(spec, inbound));
    if (address === undefined) return undefined;
    const { port } = inbound;
    const place = `listener ${address} ${port}`;
    if (resources.has(place)) continue;
    const protocol = protocolOf(inbound);
    const application = { address: serviceAddress(inbound), port: servicePort(inbound) };
    const cluster = chooseLocalCluster(clusters, application.address, application.port, protocol);
    resources.set(place, {
      kind: "inbound-listener",
      address,
      port,
      tags: inbound.tags ?? {},
      service: serviceOf(inbound) ?? cluster,
      protocol,
      cluster,
      listener,
      route: INBOUND_ROUTE,
      internalCidrs: INTERNAL_CIDRS,
    });
    const settings = { name: cluster, ...application, protocol, cluster: INBOUND_CLUSTER };
    if (!resources.has(cluster)) resources.set(cluster, { kind: "inbound-cluster", ...settings });
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

/** An outbound without a service (a `backendRef`) has no resources yet. Of two on one address and port the first counts. */
function planOutbounds(view: MeshView, spec: DataplaneSpec, listener: ListenerSettings): ProxyPlan {
  const resources = new Map<string, ResourceInput>();
  const assignments = new Map<string, PlannedAssignment>();
  for (const { address, port, tags, service } of outboundsOf(spec)) {
    const place = `listener ${address} ${port}`;
    if (!service || resources.has(place)) continue;
    const protocol = view.services.get(service)?.protocol ?? "tcp";
    const cluster = outboundClusterName(service, tags);
    resources.set(place, {
      kind: "outbound-listener",
      address,
      port,
      tags: outboundTags(tags),
      service,
      protocol,
      cluster,
      listener,
      route: OUTBOUND_ROUTE,
      internalCidrs: INTERNAL_CIDRS,
    });
    resources.set(cluster, { kind: "outbound-cluster", name: cluster, protocol, cluster: OUTBOUND_CLUSTER });
    assignments.set(cluster, { cluster, service, subset: subsetTags(tags) });
  }
  return { resources: [...resources.values()], assignments: [...assignments.values()] };
}
