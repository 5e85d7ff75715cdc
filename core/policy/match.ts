import { inboundsOf, SERVICE_TAG, type Tags, tagOf } from "../model/dataplane/access.ts";
import type { DataplaneSpec } from "../model/dataplane/spec.ts";
import type { Resource, ResourceDraft } from "../model/resource.ts";
import type { PolicySpec } from "./policy-spec.ts";
import { EFFECT_LABEL, SHADOW } from "./policy-warnings.ts";
import { type ProxyType, type TargetRef, WHOLE_MESH } from "./target-ref.ts";

/** What of a Dataplane a policy is for: every inbound, or those at these positions in the definition. */
export type Selection = "all" | readonly number[];

type Dataplane = ResourceDraft<DataplaneSpec>;
type Meta = Pick<Resource, "name" | "labels">;

/**
 * What a policy's top-level targetRef selects of a Dataplane (contract, section 9); undefined if nothing. What a policy
 * says in `to` is for the whole proxy as soon as anything of it is selected, what it says about inbounds only for the
 * selected ones. Shadow policies select like others: see `isApplied`.
 */
export function selectProxy(policy: Resource<PolicySpec>, dataplane: Dataplane): Selection | undefined {
  if (!isInReach(policy, dataplane)) return undefined;
  const ref = policy.spec.targetRef ?? WHOLE_MESH;
  switch (ref.kind) {
    case "Mesh":
      return hasProxyType(ref, dataplane.spec) ? "all" : undefined;
    case "Dataplane":
      return selectByReference(ref, dataplane);
    case "MeshSubset":
      return hasProxyType(ref, dataplane.spec) ? selectByTags(ref.tags ?? {}, dataplane.spec) : undefined;
    case "MeshService":
    case "MeshServiceSubset":
      return selectByTags({ ...ref.tags, [SERVICE_TAG]: ref.name ?? "" }, dataplane.spec);
    default:
      return undefined;
  }
}

/** False for a policy that only shadows what it would do. */
export function isApplied(policy: Pick<Resource, "labels">): boolean {
  return policy.labels[EFFECT_LABEL] !== SHADOW;
}

/** The name a resource is called by: that of its author, where another zone or Kubernetes gave it a longer one. */
export function displayName({ name, labels }: Meta): string {
  return labels["kuma.io/display-name"] ?? name;
}

/** Another zone's policies are not for our proxies, nor those of another namespace that are only for their own. */
function isInReach(policy: Resource, dataplane: Dataplane): boolean {
  const role = policy.labels["kuma.io/policy-role"];
  if (role === "consumer" || role === "workload-owner") {
    const namespace = policy.labels["k8s.kuma.io/namespace"];
    if (namespace === undefined || namespace !== dataplane.labels["k8s.kuma.io/namespace"]) return false;
  }
  if (role === "producer" || policy.labels["kuma.io/origin"] !== "zone") return true;
  const [theirs, ours] = [policy.labels["kuma.io/zone"], dataplane.labels["kuma.io/zone"]];
  return theirs === undefined || ours === undefined || theirs === ours;
}

function hasProxyType({ proxyTypes }: TargetRef, { networking }: DataplaneSpec): boolean {
  const type: ProxyType = networking.gateway ? "Gateway" : "Sidecar";
  return proxyTypes === undefined || proxyTypes.length === 0 || proxyTypes.includes(type);
}

function selectByReference(ref: TargetRef, dataplane: Dataplane): Selection | undefined {
  if (ref.name && ref.name !== dataplane.name) return undefined;
  for (const [key, value] of Object.entries(ref.labels ?? {})) {
    const actual = key === "kuma.io/display-name" ? displayName(dataplane) : tagOf(dataplane.labels, key);
    if (actual !== value) return undefined;
  }
  if (!ref.sectionName) return "all";
  return selectInbounds(dataplane.spec, ({ name, port }) => (name || String(port)) === ref.sectionName);
}

/** Without tags even a proxy without inbounds is selected: it may still consume something. */
function selectByTags(tags: Tags, spec: DataplaneSpec): Selection | undefined {
  if (Object.keys(tags).length === 0) return "all";
  const { gateway } = spec.networking;
  if (gateway) return hasTags(gateway.tags, tags) ? "all" : undefined;
  return selectInbounds(spec, (inbound) => hasTags(inbound.tags, tags));
}

function selectInbounds(
  spec: DataplaneSpec,
  wanted: (inbound: ReturnType<typeof inboundsOf>[number]) => boolean,
): Selection | undefined {
  const selected = inboundsOf(spec).flatMap((inbound, index) =>
    inbound.state !== "Ignored" && wanted(inbound) ? [index] : [],
  );
  return selected.length > 0 ? selected : undefined;
}

function hasTags(tags: Tags | undefined, wanted: Tags): boolean {
  return Object.entries(wanted).every(([name, value]) => tagOf(tags, name) === value);
}
