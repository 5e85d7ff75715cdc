import { resourceTypes } from "../../core/model/registry.ts";
import type { ResourceType } from "../../core/model/resource-type.ts";
import { builtinPolicies } from "../../plugins/policy-builtins.ts";

/** The resource types that the command line knows: those built in, and the policies that ship. */
export function knownTypes(): readonly ResourceType[] {
  return [...resourceTypes(), ...builtinPolicies().map(({ type }) => type as ResourceType)];
}
