import { defineResourceType, type ResourceType } from "./resource-type.ts";

/** A type that only the control plane writes and reads: kept in the store, unknown to REST and the command line. */
export function defineInternalType<Spec extends object>(
  name: string,
  scope: ResourceType["scope"],
): ResourceType<Spec> {
  return defineResourceType<Spec>({
    name,
    path: name.toLowerCase(),
    pathAliases: [],
    scope,
    shortName: name.toLowerCase(),
    singularDisplayName: name,
    pluralDisplayName: name,
    readOnly: true,
    adminOnly: true,
    internal: true,
    includeInFederation: false,
    layout: "nested",
    // Our own code wrote it; there is no foreign form to check.
    parse: (json) => ({ spec: json as Spec, violations: [], unknownFields: [] }),
    toJson: (spec) => ({ ...spec }) as Record<string, unknown>,
    validate: () => [],
  });
}
