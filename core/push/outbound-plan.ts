import type { ResourceInput } from "../envoy/inputs.ts";
import { outboundClusterName, outboundTags, subsetTags } from "../envoy/names.ts";
import { type AbilitySettings, INTERNAL_CIDRS } from "../envoy/settings.ts";
import { type OutboundInterface, outboundsOf, type Protocol, type Tags } from "../model/dataplane/access.ts";
import type { DataplaneSpec } from "../model/dataplane/spec.ts";
import type { TargetPolicies } from "../policy/effective-policies.ts";
import type { MeshView } from "../view/mesh-view.ts";

/** The ClusterLoadAssignment of one cluster. `subset`: see `buildLoadAssignment`. */
export interface PlannedAssignment {
  readonly cluster: string;
  readonly service: string;
  readonly subset: Tags | undefined;
}

/** What one outbound needs. */
interface PlannedOutbound {
  readonly listener: ResourceInput;
  readonly cluster: ResourceInput;
  readonly assignment: PlannedAssignment;
}

/**
 * Outbounds that were planned under the same policies, by everything else they depend on. Proxies that need the same
 * thing are given the very same inputs, which spares `SharedResources` the comparison of their content: after a change of
 * a policy that concerns everybody, most of the work.
 */
const known = new WeakMap<TargetPolicies, Map<string, PlannedOutbound>>();
/** Some thousand are in use at a time even in large meshes; more are left over from definitions that are gone. */
const MOST_KNOWN = 10_000;

/** An outbound without a service (a `backendRef`) has no resources yet. Of two on one address and port the first counts. */
export function planOutbounds(
  view: MeshView,
  spec: DataplaneSpec,
  policies: TargetPolicies,
  ability: AbilitySettings,
): { readonly resources: readonly ResourceInput[]; readonly assignments: readonly PlannedAssignment[] } {
  const listeners = new Map<string, ResourceInput>();
  const clusters = new Map<string, ResourceInput>();
  const assignments = new Map<string, PlannedAssignment>();
  const abilityKey = JSON.stringify(ability);
  const planned = known.get(policies) ?? new Map<string, PlannedOutbound>();
  known.set(policies, planned);
  for (const outbound of outboundsOf(spec)) {
    const { address, port, tags, service } = outbound;
    const place = `${address} ${port}`;
    if (!service || listeners.has(place)) continue;
    const protocol = view.services.get(service)?.protocol ?? "tcp";
    const key = `${place} ${protocol} ${abilityKey} ${JSON.stringify(tags)}`;
    let found = planned.get(key);
    if (!found) {
      if (planned.size >= MOST_KNOWN) planned.clear();
      found = planOutbound({ ...outbound, service }, protocol, policies, ability);
      planned.set(key, found);
    }
    const { assignment } = found;
    listeners.set(place, found.listener);
    clusters.set(assignment.cluster, found.cluster);
    assignments.set(assignment.cluster, assignment);
  }
  return { resources: [...listeners.values(), ...clusters.values()], assignments: [...assignments.values()] };
}

function planOutbound(
  { address, port, tags, service }: OutboundInterface & { readonly service: string },
  protocol: Protocol,
  policies: TargetPolicies,
  ability: AbilitySettings,
): PlannedOutbound {
  const cluster = outboundClusterName(service, tags);
  const settings = policies.settings({ service, protocol });
  return {
    listener: {
      kind: "outbound-listener",
      address,
      port,
      tags: outboundTags(tags),
      service,
      protocol,
      cluster,
      listener: { ...settings.listener, ...ability },
      route: settings.route,
      internalCidrs: INTERNAL_CIDRS,
    },
    cluster: { kind: "outbound-cluster", name: cluster, protocol, cluster: settings.cluster },
    assignment: { cluster, service, subset: subsetTags(tags) },
  };
}
