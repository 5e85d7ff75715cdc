import { resourceTypes } from "../../core/model/registry.ts";
import type { ResourceType } from "../../core/model/resource-type.ts";
import { builtinPolicies } from "../../plugins/policy-builtins.ts";
import type { Session } from "./session.ts";
import { typeWords } from "./type-names.ts";

/** The resource types that the command line knows by itself: those built in, and the policies that ship. */
export function knownTypes(): readonly ResourceType[] {
  return [...resourceTypes(), ...builtinPolicies().map(({ type }) => type as ResourceType)];
}

/**
 * The known types and, if one of these words is none of them, those of the control plane's plugins. A control plane that
 * does not answer adds none: the word is then reported as unknown.
 */
export async function typesFor(session: Session, words: readonly string[]): Promise<readonly ResourceType[]> {
  const known = knownTypes();
  const spoken = new Set(known.flatMap(typeWords));
  if (words.every((word) => spoken.has(word.toLowerCase()))) return known;
  try {
    const { status, body } = await (await session.client()).get("/_resources");
    const described = status === 200 ? (body as { resources: readonly Description[] }).resources : [];
    const names = new Set(known.map(({ name }) => name));
    return [...known, ...described.filter(({ name }) => !names.has(name)).map(describedType)];
  } catch {
    return known;
  }
}

type Description = Pick<
  ResourceType,
  | "name"
  | "path"
  | "scope"
  | "readOnly"
  | "includeInFederation"
  | "shortName"
  | "singularDisplayName"
  | "pluralDisplayName"
  | "policy"
>;

/** A type of which only its description is known: its spec is passed on as it is, and the control plane checks it. */
function describedType(description: Description): ResourceType {
  return {
    ...description,
    pathAliases: [],
    adminOnly: false,
    internal: false,
    layout: description.policy ? "nested" : "inline",
    parse: (spec) => ({ spec, violations: [], unknownFields: [] }),
    toJson: (spec) => spec as Record<string, unknown>,
    validate: () => [],
  };
}
