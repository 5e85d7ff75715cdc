import { MeshError } from "../../core/kernel/errors.ts";
import type { PluginContext, PluginHost } from "../../core/kernel/plugin.ts";
import type { LoadedSettings } from "../../core/kernel/settings/load-settings.ts";
import { createGuardedPolicy } from "../../core/policy/guarded-policy.ts";
import { createPolicy, type PolicyDefinition } from "../../core/policy/policy.ts";
import { PolicyCatalogue } from "../../core/policy/policy-catalogue.ts";
import { pluginOptions } from "./plugin-options.ts";

const TEXTS = ["name", "path", "shortName", "singularDisplayName", "pluralDisplayName"] as const;
const FUNCTIONS = ["validate", "contribute"] as const;

/** Every policy plugin that is built in or was loaded. MM801 for one whose `create` gives no definition. */
export async function createPolicies(
  host: PluginHost,
  settings: LoadedSettings,
  context: PluginContext,
): Promise<PolicyCatalogue> {
  const definitions: PolicyDefinition[] = [];
  for (const { plugin, file } of host.list("policy")) {
    const { name } = plugin;
    const { value, placeOf } = pluginOptions(settings, "policy", name);
    const definition = await host.create<Partial<PolicyDefinition>>("policy", name, context, value, placeOf);
    const missing = missingParts(definition);
    if (missing.length > 0)
      throw new MeshError("MM801", `the policy plugin "${name}" gives no policy`, {
        where: file,
        why: `What its create returned lacks ${missing.join(", ")}.`,
      });
    const whole = definition as PolicyDefinition;
    definitions.push(file ? createGuardedPolicy(whole, { kind: "policy", name, file, ...context }) : whole);
  }
  return new PolicyCatalogue(definitions.map((definition) => createPolicy(definition)));
}

function missingParts(definition: Partial<PolicyDefinition>): string[] {
  return [
    ...TEXTS.filter((part) => typeof definition[part] !== "string" || definition[part] === ""),
    ...FUNCTIONS.filter((part) => typeof definition[part] !== "function"),
    ...(definition.conf ? [] : ["conf (a shape)"]),
    ...(Array.isArray(definition.topKinds) ? [] : ["topKinds"]),
    ...(definition.toKinds || definition.fromKinds || definition.hasRules || definition.hasDefault
      ? []
      : ["a section (toKinds, fromKinds, hasRules or hasDefault)"]),
  ];
}
