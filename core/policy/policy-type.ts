import { defineResourceType, type ResourceType } from "../model/resource-type.ts";
import { toProtoJson } from "../model/shape/proto-json.ts";
import { readShape } from "../model/shape/read-shape.ts";
import type { PolicyDefinition } from "./policy.ts";
import { buildSpecShape, type PolicySection, type PolicySpec } from "./policy-spec.ts";
import { policyWarnings } from "./policy-warnings.ts";
import { validatePolicy } from "./validate-policy.ts";

/** The sections that a definition has, in the order in which they are written. */
export function sectionsOf(definition: PolicyDefinition): readonly PolicySection[] {
  return [
    ...(definition.toKinds ? (["to"] as const) : []),
    ...(definition.fromKinds ? (["from"] as const) : []),
    ...(definition.hasRules ? (["rules"] as const) : []),
    ...(definition.hasDefault ? (["default"] as const) : []),
  ];
}

/** The resource type of a policy, for REST, files and the store. */
export function createPolicyType(definition: PolicyDefinition): ResourceType<PolicySpec> {
  const sections = sectionsOf(definition);
  const shape = buildSpecShape(definition.conf, sections);
  const { name, path, shortName, singularDisplayName, pluralDisplayName } = definition;
  return defineResourceType<PolicySpec>({
    name,
    path,
    pathAliases: [],
    scope: "Mesh",
    shortName,
    singularDisplayName,
    pluralDisplayName,
    readOnly: false,
    adminOnly: false,
    internal: false,
    includeInFederation: true,
    layout: "nested",
    policy: {
      isTargetRef: true,
      hasToTargetRef: sections.includes("to"),
      hasFromTargetRef: sections.includes("from"),
      hasRulesTargetRef: sections.includes("rules"),
      isFromAsRules: sections.includes("from") && sections.includes("rules"),
    },
    parse: (json) => readShape(shape, json) as ReturnType<ResourceType<PolicySpec>["parse"]>,
    toJson: (spec) => toProtoJson(shape, spec),
    validate: ({ spec }) => validatePolicy(definition, sections, spec),
    warnings: ({ spec, labels }) => policyWarnings(spec, labels),
  });
}
