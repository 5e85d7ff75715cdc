import type { ResourceInput } from "../envoy/inputs.ts";
import { outboundClusterName, outboundTags, subsetTags } from "../envoy/names.ts";
import { type AbilitySettings, INTERNAL_CIDRS } from "../envoy/settings.ts";
import { Memo } from "../kernel/memo.ts";
import { outboundsOf, type Protocol, type Tags } from "../model/dataplane/access.ts";
import type { DataplaneSpec } from "../model/dataplane/spec.ts";
import type { TargetPolicies } from "../policy/effective-policies.ts";
import type { MeshView } from "../view/mesh-view.ts";

/** The ClusterLoadAssignment of one cluster. `subset`: see `buildLoadAssignment`. */
export interface PlannedAssignment {
  readonly cluster: string;
  readonly service: string;
  readonly subset: Tags | undefined;
}

/** An outbound of a definition, with what is said about it in texts that many proxies have in common. */
interface NamedOutbound {
  readonly address: string;
  readonly port: number;
  readonly tags: Tags;
  readonly service: string;
  /** Address and port. */
  readonly place: string;
  /** Everything of it. */
  readonly key: string;
}

/** What one outbound needs. */
interface PlannedOutbound {
  readonly listener: ResourceInput;
  readonly cluster: ResourceInput;
  readonly assignment: PlannedAssignment;
}

/** Some thousand are in use at a time even in large meshes; more are left over from definitions that are gone. */
const MOST_KEPT = 10_000;

/**
 * Outbounds that were planned under the same policies, by everything else they depend on. Proxies that need the same
 * thing are given the very same inputs, which spares `SharedResources` the comparison of their content: after a change of
 * a policy that concerns everybody, most of the work.
 */
const planned = new WeakMap<TargetPolicies, Memo<string, PlannedOutbound>>();
/** The outbounds of a definition, named once for all the times that it is planned; equal ones are the same object. */
const named = new WeakMap<DataplaneSpec, readonly NamedOutbound[]>();
const byKey = new Memo<string, NamedOutbound>(MOST_KEPT);

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
  const known = planned.get(policies) ?? new Memo<string, PlannedOutbound>(MOST_KEPT);
  planned.set(policies, known);
  for (const outbound of namedOutbounds(spec)) {
    const { service, place } = outbound;
    if (listeners.has(place)) continue;
    const protocol = view.services.get(service)?.protocol ?? "tcp";
    const key = `${protocol} ${abilityKey} ${outbound.key}`;
    const found = known.get(key, () => planOutbound(outbound, protocol, policies, ability));
    const { assignment } = found;
    listeners.set(place, found.listener);
    clusters.set(assignment.cluster, found.cluster);
    assignments.set(assignment.cluster, assignment);
  }
  return { resources: [...listeners.values(), ...clusters.values()], assignments: [...assignments.values()] };
}

function namedOutbounds(spec: DataplaneSpec): readonly NamedOutbound[] {
  let outbounds = named.get(spec);
  if (!outbounds) {
    outbounds = outboundsOf(spec).flatMap(({ address, port, tags, service }) => {
      if (!service) return [];
      const place = `${address} ${port}`;
      const key = `${place} ${JSON.stringify(tags)}`;
      return [byKey.get(key, () => ({ address, port, tags, service, place, key }))];
    });
    named.set(spec, outbounds);
  }
  return outbounds;
}

function planOutbound(
  { address, port, tags, service }: NamedOutbound,
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
