import { dirname, resolve } from "node:path";
import { type FileEntry, type LoadedSettings, loadSettings } from "../../core/kernel/settings/load-settings.ts";
import { shownValue } from "../../core/kernel/settings/setting.ts";
import { readSettingsFile } from "../../core/kernel/settings/settings-file.ts";
import type { Io } from "../terminal/io.ts";
import { foreignVariables } from "./foreign-variables.ts";
import { isPluginPath, KUMA_ONLY_PATHS, SETTING_LIST, SETTINGS } from "./settings-table.ts";

/** The control plane's configuration from file and variables; MM201 lists all that is wrong with it. */
export async function loadCpSettings(io: Io, configFile: string | undefined): Promise<LoadedSettings> {
  return loadSettings(SETTING_LIST, {
    env: io.env,
    file: configFile ? (await readSettingsFile(configFile)).map((entry) => withPluginsBeside(configFile, entry)) : [],
    foreignVariable: await foreignVariables(io.env),
    kumaOnlyPaths: KUMA_ONLY_PATHS,
    pluginPath: isPluginPath,
  });
}

/** Plugin files are named as seen from the configuration file, so that both can move together. */
function withPluginsBeside(configFile: string, entry: FileEntry): FileEntry {
  if (entry.path !== SETTINGS.plugins.path || !Array.isArray(entry.value)) return entry;
  const beside = (file: unknown) => (typeof file === "string" ? resolve(dirname(configFile), file) : file);
  return { ...entry, value: entry.value.map(beside) };
}

/** The effective configuration as `GET /config` shows it: nested, durations in words, secrets masked, with origins. */
export function configDocument(settings: LoadedSettings): Record<string, unknown> {
  const document: Record<string, unknown> = {};
  const origins: Record<string, string> = {};
  for (const { setting, value, origin } of settings.all) {
    setPath(document, setting.path.split("."), shownValue(setting, value));
    if (origin !== "default") origins[setting.path] = origin;
  }
  return { ...document, origins };
}

/** Sets a value below the keys, making the objects on the way. */
export function setPath(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [head, ...rest] = path;
  if (head === undefined) return;
  if (rest.length === 0) {
    target[head] = value;
    return;
  }
  target[head] ??= {};
  setPath(target[head] as Record<string, unknown>, rest, value);
}
