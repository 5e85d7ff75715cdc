import type { AuthPluginContext, ProxyAuthenticator } from "../../core/auth/authenticator.ts";
import { createGuardedAuthenticator } from "../../core/auth/guarded-authenticator.ts";
import type { PluginContext, PluginHost } from "../../core/kernel/plugin.ts";
import type { LoadedSettings } from "../../core/kernel/settings/load-settings.ts";
import { createGuardedLifecycle, orderLifecycles } from "../../core/presence/guarded-lifecycle.ts";
import type { Lifecycle } from "../../core/presence/lifecycle.ts";
import { pluginOptions } from "./plugin-options.ts";
import { SETTINGS } from "./settings-table.ts";

/** The authenticator that `dpServer.authn.dpProxy.type` names. */
export async function openAuthenticator(
  host: PluginHost,
  settings: LoadedSettings,
  name: string,
  context: AuthPluginContext,
): Promise<ProxyAuthenticator> {
  if (name === "dpToken") {
    return host.create("auth", name, context, { useSecrets: settings.get(SETTINGS.dpTokenUseSecrets) });
  }
  const { value, placeOf } = pluginOptions(settings, "auth", name);
  const made = await host.create<ProxyAuthenticator>("auth", name, context, value, placeOf);
  const { file } = host.get("auth", name);
  return file ? createGuardedAuthenticator(made, { kind: "auth", name, file, ...context }) : made;
}

/** All lifecycles: those of the user first. */
export async function openLifecycles(
  host: PluginHost,
  settings: LoadedSettings,
  context: PluginContext,
): Promise<readonly Lifecycle[]> {
  const users: Lifecycle[] = [];
  const builtin: Lifecycle[] = [];
  for (const { plugin, file } of host.list("lifecycle")) {
    const { value, placeOf } = pluginOptions(settings, "lifecycle", plugin.name);
    const made = await host.create<Lifecycle>("lifecycle", plugin.name, context, value, placeOf);
    if (file) users.push(createGuardedLifecycle(made, { kind: "lifecycle", name: plugin.name, file, ...context }));
    else builtin.push(made);
  }
  return orderLifecycles(users, builtin);
}
