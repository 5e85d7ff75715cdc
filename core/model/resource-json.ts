import type { Violation } from "../kernel/errors.ts";
import { nearest } from "../kernel/nearest.ts";
import { fieldText, isWithin, parentField } from "./field-path.ts";
import { buildKri } from "./kri.ts";
import { dnsLabelProblem, labelKeyProblem, labelValueProblem, meshNameProblem, nameProblem } from "./names.ts";
import type { Resource, ResourceDraft } from "./resource.ts";
import type { ResourceType, UnknownField } from "./resource-type.ts";
import { isJsonObject } from "./shape/proto-json.ts";

type Json = Readonly<Record<string, unknown>>;

/** What stands beside the spec. The last three come from the control plane and are ignored on input (contract, section 3.1). */
const META = ["type", "name", "mesh", "labels", "creationTime", "modificationTime", "kri"] as const;

/** A resource, or a draft that has no times yet, as REST and files show it (contract, section 7.1). */
export function resourceToJson<Spec>(type: ResourceType<Spec>, resource: ResourceDraft<Spec>): Record<string, unknown> {
  const { creationTime, modificationTime } = resource as Partial<Resource>;
  const spec = type.toJson(resource.spec);
  return {
    type: type.name,
    ...(type.scope === "Mesh" ? { mesh: resource.mesh } : {}),
    name: resource.name,
    ...(creationTime === undefined ? {} : { creationTime: timeText(creationTime) }),
    ...(modificationTime === undefined ? {} : { modificationTime: timeText(modificationTime) }),
    ...(Object.keys(resource.labels).length > 0 ? { labels: resource.labels } : {}),
    ...(creationTime === undefined ? {} : { kri: buildKri(type, resource) }),
    ...(type.layout === "inline" ? spec : { spec }),
  };
}

/** RFC 3339. */
export function timeText(ms: number): string {
  return new Date(ms).toISOString();
}

/** A definition that was read. A draft with violations must not be stored or sent. */
export interface DraftResult<Spec = unknown> {
  readonly draft: ResourceDraft<Spec>;
  /** All problems: of shape, names, labels and the type's rules; in strict mode also unknown fields. */
  readonly violations: readonly Violation[];
  readonly unknownFields: readonly UnknownField[];
}

export interface DraftOptions {
  /** Unknown fields are violations. True for local files; over the wire only those in a nested spec are, as in Kuma. */
  readonly strict: boolean;
}

/** Reads and validates the JSON of one resource. `json.type` must already have been used to choose the type. */
export function draftFromJson<Spec>(type: ResourceType<Spec>, json: Json, options: DraftOptions): DraftResult<Spec> {
  const problems: Violation[] = [];
  const labels = readLabels(json["labels"], problems);
  const mesh = type.scope === "Mesh" ? readText(json, "mesh", problems) : "";
  const name = readText(json, "name", problems);
  const { specJson, unknownMeta } = split(type, json);
  const parsed = type.parse(isJsonObject(specJson) ? specJson : {});
  if (!isJsonObject(specJson)) problems.push({ field: "spec", message: "must be an object" });
  const prefix = (field: string) => (type.layout === "inline" ? field : fieldOfSpec(field));
  const shape = parsed.violations.map((each) => ({ ...each, field: prefix(each.field) }));
  const draft: ResourceDraft<Spec> = { type: type.name, mesh, name, labels, spec: parsed.spec };
  const unknownInSpec = parsed.unknownFields.map((each) => ({ ...each, field: prefix(each.field) }));
  const unknownFields = [...unknownMeta, ...unknownInSpec];
  const refused = options.strict ? unknownFields : type.layout === "nested" ? unknownInSpec : [];
  // A value that was wrong in shape was replaced by a neutral one, or is gone like a field of a wrong name: what the rules
  // say about that, or about what holds it ("something must be there"), would mislead.
  const holders = [...shape, ...refused].map(({ field }) => parentField(field));
  const rules = type
    .validate(draft)
    .map((each) => ({ ...each, field: each.field === "name" ? each.field : prefix(each.field) }))
    .filter(({ field }) => !shape.some((wrong) => isWithin(field, wrong.field)) && !holders.includes(field));
  return { draft, violations: [...problems, ...shape, ...rules, ...refused.map(unknownViolation)], unknownFields };
}

/** How an unknown field is reported where it is an error. */
export function unknownViolation({ field, nearest }: UnknownField): Violation {
  return { field, message: `is no field${nearest ? `. Nearest: ${nearest}` : ""}` };
}

function fieldOfSpec(field: string): string {
  if (field === "") return "spec";
  return field.startsWith("[") ? `spec${field}` : `spec.${field}`;
}

function split(type: ResourceType, json: Json): { specJson: unknown; unknownMeta: UnknownField[] } {
  const known = META.filter((key) => key !== "mesh" || type.scope === "Mesh");
  const others = Object.entries(json).filter(([key]) => !(known as readonly string[]).includes(key));
  if (type.layout === "inline") {
    // `mesh` beside a type of global scope is common and harmless, so it is not handed to the shape as a field.
    const spec = others.filter(([key]) => key !== "mesh");
    return { specJson: Object.fromEntries(spec), unknownMeta: [] };
  }
  const layout = ["spec", "status", "mesh"];
  const unknownMeta = others
    .filter(([key]) => !layout.includes(key))
    .map(([key]) => ({ field: fieldText([key]), nearest: nearest(key, [...known, "spec"]) }));
  return { specJson: json["spec"] ?? {}, unknownMeta };
}

function readText(json: Json, field: "name" | "mesh", problems: Violation[]): string {
  const value = json[field];
  if (value === undefined || value === null) {
    problems.push({ field, message: "is required" });
    return "";
  }
  if (typeof value !== "string") {
    problems.push({ field, message: "must be text; write it in quotes" });
    return "";
  }
  const problem = field === "name" ? nameProblem(value) : meshNameProblem(value);
  if (problem) problems.push({ field, message: problem });
  return value;
}

function readLabels(json: unknown, problems: Violation[]): Record<string, string> {
  if (json === undefined || json === null) return {};
  if (!isJsonObject(json)) {
    problems.push({ field: "labels", message: "must be a map" });
    return {};
  }
  const labels: Record<string, string> = {};
  for (const [key, value] of Object.entries(json)) {
    const problem = labelKeyProblem(key) ?? labelProblem(key, value);
    if (problem) problems.push({ field: fieldText(["labels", key]), message: problem });
    else labels[key] = value as string;
  }
  return labels;
}

function labelProblem(key: string, value: unknown): string | undefined {
  if (typeof value !== "string") return "must be text; write it in quotes";
  return labelValueProblem(value) ?? (key === "kuma.io/workload" ? dnsLabelProblem(value) : undefined);
}
