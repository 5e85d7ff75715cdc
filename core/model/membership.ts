import type { Violation } from "../kernel/errors.ts";
import { inboundsOf, type Tags, tagOf } from "./dataplane/access.ts";
import type { DataplaneSpec } from "./dataplane/spec.ts";
import type { MeshSpec } from "./mesh/spec.ts";

/**
 * Whether a mesh admits a Dataplane (contract, section 8.3): of `mesh.constraints.dataplaneProxy`, every tag set must
 * match one of the requirements, if there are any, and none of the restrictions. `*` stands for any value.
 */
export function membershipViolations(mesh: MeshSpec | undefined, dp: DataplaneSpec): Violation[] {
  const { requirements = [], restrictions = [] } = mesh?.constraints?.dataplaneProxy ?? {};
  return taggedFields(dp).flatMap(({ field, tags }) => {
    const problems: Violation[] = [];
    if (requirements.length > 0 && !requirements.some((rule) => matches(rule.tags ?? {}, tags))) {
      problems.push({ field, message: "matches none of the requirements that the mesh has for its members" });
    }
    if (restrictions.some((rule) => matches(rule.tags ?? {}, tags))) {
      problems.push({ field, message: "matches one of the mesh's restrictions, so the proxy may not be a member" });
    }
    return problems;
  });
}

function taggedFields(dp: DataplaneSpec): readonly { field: string; tags: Tags }[] {
  const { gateway } = dp.networking;
  if (gateway) return [{ field: "networking.gateway.tags", tags: gateway.tags ?? {} }];
  return inboundsOf(dp).map((inbound, index) => ({
    field: `networking.inbound[${index}].tags`,
    tags: inbound.tags ?? {},
  }));
}

function matches(rule: Tags, tags: Tags): boolean {
  return Object.entries(rule).every(([name, wanted]) => {
    const value = tagOf(tags, name);
    return value !== undefined && (wanted === "*" || value === wanted);
  });
}
