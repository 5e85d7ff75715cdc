import { MeshError } from "../../core/kernel/errors.ts";
import { nearest } from "../../core/kernel/nearest.ts";
import type { PluginHost } from "../../core/kernel/plugin.ts";
import type { FileEntry, LoadedSettings } from "../../core/kernel/settings/load-settings.ts";
import { setPath } from "./load-cp-settings.ts";
import { PLUGIN_OPTION_PATHS, SETTING_LIST } from "./settings-table.ts";

export type ConfigurableKind = keyof typeof PLUGIN_OPTION_PATHS;

export interface PluginOptions {
  /** As the file says, unchecked; `{}` if it says nothing. */
  readonly value: Readonly<Record<string, unknown>>;
  /** `cp.yaml:7`, the line of an option or of what it is part of. */
  placeOf(path: string): string | undefined;
}

/** What the configuration file says to one plugin: `store.NAME.*`, `dpServer.authn.dpProxy.NAME.*`, `lifecycle.NAME.*`, `policy.NAME.*`. */
export function pluginOptions(settings: LoadedSettings, kind: ConfigurableKind, name: string): PluginOptions {
  const value = {};
  const places = new Map<string, string>();
  for (const entry of settings.forPlugins) {
    const option = optionOf(entry, kind, name);
    if (!option) continue;
    setPath(value, option, entry.value);
    // Also for the objects it is in: an unknown key is reported at its parent.
    for (let length = option.length; length >= 0; length--) {
      const path = option.slice(0, length).join(".");
      if (!places.has(path)) places.set(path, entry.place);
    }
  }
  return { value, placeOf: (path) => places.get(path) };
}

/** MM201 for what the file says to plugins that are not loaded; a mistyped path looks like that too. */
export function checkPluginOptions(settings: LoadedSettings, host: PluginHost): void {
  const kinds = Object.keys(PLUGIN_OPTION_PATHS) as ConfigurableKind[];
  const loaded = (entry: FileEntry) =>
    kinds.some((kind) => host.list(kind).some(({ plugin }) => optionOf(entry, kind, plugin.name)));
  const strays = settings.forPlugins.filter((entry) => !loaded(entry));
  if (strays.length === 0) return;
  const paths = SETTING_LIST.map((setting) => setting.path);
  throw new MeshError("MM201", "the configuration names options of plugins that are not loaded. Nothing was started.", {
    violations: strays.map(({ path, place }) => {
      const close = nearest(path, paths);
      return { field: place, message: `${path} is no setting.${close ? ` Nearest: ${close}` : ""}` };
    }),
    todo: "Which plugins there are: monomesh plugin list -c FILE. A file of yours is loaded by the setting plugins.",
  });
}

/** The keys below the plugin's own place. */
function optionOf(
  { path, keys = path.split(".") }: FileEntry,
  kind: ConfigurableKind,
  name: string,
): string[] | undefined {
  const place = [...PLUGIN_OPTION_PATHS[kind], name];
  return place.every((part, at) => keys[at] === part) && keys.length > place.length
    ? keys.slice(place.length)
    : undefined;
}
