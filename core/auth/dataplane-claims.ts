import { tagsOf } from "../model/dataplane/access.ts";
import type { DataplaneSpec } from "../model/dataplane/spec.ts";
import type { Resource, ResourceDraft } from "../model/resource.ts";
import { badClaims, forAnother, type Wanted } from "./token-problems.ts";

/** What a dataplane token says (contract, section 6.1). Empty texts and lists restrict nothing. */
export interface DataplaneClaims {
  readonly name: string;
  readonly mesh: string;
  readonly tags: ReadonlyMap<string, readonly string[]>;
  readonly workload: string;
}

const WORKLOAD_LABEL = "kuma.io/workload";

/** Reads the claims of a token whose signature was good. MM301 when one of them has a shape that nobody makes. */
export function readDataplaneClaims(claims: Readonly<Record<string, unknown>>, wanted: Wanted): DataplaneClaims {
  const tags = claims["Tags"] ?? {};
  if (typeof tags !== "object" || Array.isArray(tags)) throw badClaims(wanted, "Tags");
  return {
    name: textClaim(claims, "Name", wanted),
    mesh: textClaim(claims, "Mesh", wanted),
    workload: textClaim(claims, "Workload", wanted),
    tags: new Map(
      Object.entries(tags).map(([name, values]) => {
        if (!Array.isArray(values) || values.some((value) => typeof value !== "string"))
          throw badClaims(wanted, "Tags");
        return [name, values as string[]];
      }),
    ),
  };
}

function textClaim(claims: Readonly<Record<string, unknown>>, name: string, wanted: Wanted): string {
  const value = claims[name] ?? "";
  if (typeof value !== "string") throw badClaims(wanted, name);
  return value;
}

/**
 * Refuses with MM311 unless the claims allow to act as the Dataplane (contract, section 6.2): every tag of the token
 * must be there, and every value it has over all inbounds or the gateway must be allowed. The token's type is not looked at.
 */
export function checkClaims(claims: DataplaneClaims, dataplane: ResourceDraft | Resource): void {
  const wanted: Wanted = dataplane;
  if (claims.mesh && claims.mesh !== dataplane.mesh) {
    throw forAnother(wanted, `is for mesh ${claims.mesh}, not ${dataplane.mesh}`);
  }
  if (claims.name && claims.name !== dataplane.name) {
    throw forAnother(wanted, `is for ${claims.name}, not ${dataplane.name}`);
  }
  const tags = tagsOf(dataplane.spec as DataplaneSpec);
  for (const [name, allowed] of claims.tags) {
    const values = tags.get(name);
    if (!values) {
      throw forAnother(wanted, `demands the tag ${name}=${allowed.join(",")}, which ${dataplane.name} does not have`);
    }
    const forbidden = [...values].filter((value) => !allowed.includes(value));
    if (forbidden.length > 0) {
      throw forAnother(wanted, `is for ${name}=${allowed.join(",")}, not ${forbidden.join(",")}`);
    }
  }
  const workload = dataplane.labels[WORKLOAD_LABEL] ?? "";
  if (claims.workload && claims.workload !== workload) {
    throw forAnother(wanted, `is for workload ${claims.workload}, not ${workload || "one without a name"}`);
  }
}
