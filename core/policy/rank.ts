import type { Resource } from "../model/resource.ts";
import { compareText } from "../store/text-order.ts";
import { displayName } from "./match.ts";
import type { PolicySpec } from "./policy-spec.ts";
import { kindRank, WHOLE_MESH } from "./target-ref.ts";

const ORIGINS: readonly (string | undefined)[] = [undefined, "global", "zone"];
const ROLES: readonly (string | undefined)[] = ["system", "producer", "consumer", "workload-owner"];

/**
 * Order in which policies are merged, the weakest first (contract, section 9): kind of the top-level targetRef, how much
 * of a Dataplane or gateway it names, origin, role, and of equals the one whose display name comes first in the alphabet
 * is the strongest.
 */
export function comparePolicies(a: Resource<PolicySpec>, b: Resource<PolicySpec>): number {
  const [one, two] = [a.spec.targetRef ?? WHOLE_MESH, b.spec.targetRef ?? WHOLE_MESH];
  return (
    kindRank(one.kind) - kindRank(two.kind) ||
    Number(Boolean(one.sectionName)) - Number(Boolean(two.sectionName)) ||
    (one.kind === "MeshGateway" ? tagCount(one.tags) - tagCount(two.tags) : 0) ||
    place(ORIGINS, a.labels["kuma.io/origin"]) - place(ORIGINS, b.labels["kuma.io/origin"]) ||
    place(ROLES, a.labels["kuma.io/policy-role"]) - place(ROLES, b.labels["kuma.io/policy-role"]) ||
    compareText(displayName(b), displayName(a)) ||
    compareText(b.name, a.name)
  );
}

/** An unknown word counts like a missing one: as the weakest. */
function place(order: readonly (string | undefined)[], word: string | undefined): number {
  return Math.max(0, order.indexOf(word));
}

function tagCount(tags: Readonly<Record<string, string>> | undefined): number {
  return Object.keys(tags ?? {}).length;
}
