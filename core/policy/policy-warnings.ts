import type { PolicyItem, PolicySpec } from "./policy-spec.ts";
import type { TargetRef } from "./target-ref.ts";

/** Kinds that stand for tags of inbounds; Kuma wants them gone from the top level. */
const DEPRECATED_ON_TOP: readonly string[] = ["MeshSubset", "MeshService", "MeshServiceSubset"];

/** Kinds whose resource type this version does not have. */
const WITHOUT_TYPE: readonly string[] = ["MeshGateway", "MeshExternalService", "MeshMultiZoneService", "MeshHTTPRoute"];

/** On a policy with this label and value everything is shown and nothing is applied. */
export const EFFECT_LABEL = "kuma.io/effect";
export const SHADOW = "shadow";

/** What is deprecated, and what is stored but matches nothing in this version; one sentence each. */
export function policyWarnings(spec: PolicySpec, labels: Readonly<Record<string, string>>): string[] {
  const warnings: string[] = [];
  const top = spec.targetRef?.kind ?? "";
  if (labels[EFFECT_LABEL] === SHADOW) warnings.push(`label ${EFFECT_LABEL} is ${SHADOW}: the policy is not applied`);
  if ((spec.from ?? []).length > 0) warnings.push("'from' field is deprecated, use 'rules' instead");
  if (DEPRECATED_ON_TOP.includes(top))
    warnings.push(`${top} value for 'targetRef.kind' is deprecated, use Dataplane with labels instead`);
  if (WITHOUT_TYPE.includes(top)) warnings.push(`spec.targetRef: ${absent(top)}, so the policy matches no proxy`);
  for (const section of ["to", "from"] as const) warnings.push(...itemWarnings(section, spec[section] ?? []));
  for (const [index, rule] of (spec.rules ?? []).entries()) {
    if (rule.matches && rule.matches.length > 0)
      warnings.push(
        `spec.rules[${index}].matches: without mutual TLS, which this version does not have, it matches nothing`,
      );
  }
  return warnings;
}

function itemWarnings(section: "to" | "from", items: readonly PolicyItem[]): string[] {
  return items.flatMap(({ targetRef }, index) => {
    const reason = WITHOUT_TYPE.includes(targetRef.kind) ? absent(targetRef.kind) : needsResource(targetRef);
    return reason ? [`spec.${section}[${index}].targetRef: ${reason}, so it matches nothing`] : [];
  });
}

function absent(kind: string): string {
  return `this version has no ${kind} resources`;
}

/** A MeshService by its name is also a value of `kuma.io/service`; labels and ports are only those of a resource. */
function needsResource({ kind, labels, sectionName }: TargetRef): string | undefined {
  return kind === "MeshService" && (labels || sectionName) ? absent(kind) : undefined;
}
