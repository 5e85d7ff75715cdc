import type { Violation } from "../kernel/errors.ts";
import { Guard, type GuardOptions } from "../kernel/guard.ts";
import { messageOf } from "../kernel/plugin.ts";
import { fieldText } from "../model/field-path.ts";
import { wrongPatch } from "./patch-check.ts";
import type { PolicyDefinition } from "./policy.ts";

/**
 * A user's policy behind checks: a definition that cannot be validated is refused, and what `contribute` gives wrong has no
 * effect, so that the proxies keep the settings of everything else.
 */
export function createGuardedPolicy(definition: PolicyDefinition, options: GuardOptions): PolicyDefinition {
  const guard = new Guard(options);
  const isViolation = (each: unknown) =>
    typeof (each as Violation)?.field === "string" && typeof (each as Violation).message === "string";
  return {
    ...definition,
    validate(conf, path, place) {
      try {
        const violations: unknown = definition.validate(conf, path, place);
        if (Array.isArray(violations) && violations.every(isViolation)) return violations;
        throw new TypeError("it returned no list of { field, message }");
      } catch (error) {
        const { message } = guard.broken("validate", `failed: ${messageOf(error)}`);
        return [{ field: fieldText(path), message }];
      }
    },
    contribute(conf, target) {
      try {
        const patch = definition.contribute(conf, target);
        const finding = wrongPatch(patch);
        if (!finding) return patch;
        guard.broken("contribute", finding);
      } catch (error) {
        guard.broken("contribute", `failed: ${messageOf(error)}`);
      }
      return {};
    },
  };
}
