import { createPolicy, type Policy } from "../core/policy/policy.ts";
import { meshTimeout } from "./policy-mesh-timeout/mesh-timeout.ts";

/** The policies that ship, for the command line, which knows resource types but makes no plugins. */
export function builtinPolicies(): readonly Policy[] {
  return [createPolicy(meshTimeout)];
}
