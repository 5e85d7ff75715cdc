import type { TargetSettings } from "../envoy/settings.ts";
import type { SettingsPatch } from "./policy.ts";

/**
 * Settings with a patch over them. Fields keep the order and the number they have in the defaults, whatever order a policy
 * gave them in, so that equal settings are equal as JSON, under which resources are shared. What is no setting is left out.
 */
export function applyPatch(settings: TargetSettings, patch: SettingsPatch): TargetSettings {
  return {
    listener: overlay(settings.listener, patch.listener),
    cluster: overlay(settings.cluster, patch.cluster),
    route: overlay(settings.route, patch.route),
  };
}

function overlay<Settings extends object>(settings: Settings, patch: Partial<NoInfer<Settings>> | undefined): Settings {
  if (patch === undefined) return settings;
  const fields = Object.keys(settings) as (keyof Settings)[];
  return Object.fromEntries(
    fields.map((field) => [field, Object.hasOwn(patch, field) ? patch[field] : settings[field]]),
  ) as unknown as Settings;
}
