import type { FieldPath } from "../model/field-path.ts";
import { tagNameProblem, tagValueProblem } from "../model/names.ts";
import { PROXY_TYPES, type TargetKind, type TargetRef } from "./target-ref.ts";

export type Report = (path: FieldPath, message: string) => unknown;

type Field = Exclude<keyof TargetRef, "kind">;
const FIELDS: readonly Field[] = ["name", "tags", "mesh", "proxyTypes", "namespace", "labels", "sectionName"];

/** Fields that may stand beside each kind. */
const ALLOWED: Readonly<Record<TargetKind, readonly Field[]>> = {
  Mesh: ["proxyTypes"],
  Dataplane: ["name", "namespace", "labels", "sectionName"],
  MeshSubset: ["tags", "proxyTypes"],
  MeshGateway: ["name", "tags"],
  MeshService: ["name", "namespace", "labels", "sectionName"],
  MeshExternalService: ["name", "namespace", "labels"],
  MeshMultiZoneService: ["name", "namespace", "labels", "sectionName"],
  MeshServiceSubset: ["name", "tags"],
  MeshHTTPRoute: ["name", "namespace", "labels"],
};

/** Kinds that mean nothing without a name; those that have labels may be chosen by them instead. */
const NAMED: readonly TargetKind[] = [
  "MeshGateway",
  "MeshService",
  "MeshExternalService",
  "MeshMultiZoneService",
  "MeshServiceSubset",
  "MeshHTTPRoute",
];

/** Checks one targetRef against the kinds that its place takes. Paths begin at the targetRef. */
export function validateTargetRef(
  ref: TargetRef,
  kinds: readonly TargetKind[],
  place: "top" | "item",
  report: Report,
): void {
  const kind = kinds.find((each) => each === ref.kind);
  if (!kind) {
    report(["kind"], `must be one of ${kinds.join(", ")}${ref.kind === "" ? "" : `, not ${JSON.stringify(ref.kind)}`}`);
    return;
  }
  // At the top a service is told by its name alone: it stands for the inbounds with that tag.
  const allowed = place === "top" && kind === "MeshService" ? (["name"] as const) : ALLOWED[kind];
  for (const field of FIELDS) {
    if (isGiven(ref[field]) && !(allowed as readonly Field[]).includes(field))
      report([field], `must not be set with kind ${kind}`);
  }
  const byLabels = isGiven(ref.labels) && (allowed as readonly Field[]).includes("labels");
  if (byLabels && isGiven(ref.name)) report(["labels"], "either labels or name must be specified");
  if (NAMED.includes(kind) && !isGiven(ref.name) && !byLabels) report(["name"], "is required");
  ref.proxyTypes?.forEach((type, index) => {
    if (!(PROXY_TYPES as readonly string[]).includes(type))
      report(["proxyTypes", index], `must be one of ${PROXY_TYPES.join(", ")}`);
  });
  for (const [name, value] of Object.entries(ref.tags ?? {})) {
    const problem = tagNameProblem(name) ?? tagValueProblem(value);
    if (problem) report(["tags", name], problem);
  }
}

function isGiven(value: TargetRef[Field]): boolean {
  if (value === undefined || value === "") return false;
  return Array.isArray(value) ? value.length > 0 : typeof value !== "object" || Object.keys(value).length > 0;
}
