import { resolve } from "node:path";
import { systemClock } from "../../core/kernel/clock.ts";
import type { Logger } from "../../core/kernel/log.ts";
import { type Plugin, PluginHost } from "../../core/kernel/plugin.ts";
import type { Scope } from "../../core/kernel/scope.ts";
import type { LoadedSettings } from "../../core/kernel/settings/load-settings.ts";
import type { ResourceStore } from "../../core/store/resource-store.ts";
import { controlPlanePlugins } from "../../plugins/builtins.ts";
import { SETTINGS } from "./settings-table.ts";
import { openWorkDir } from "./work-dir.ts";

export interface CpStart {
  readonly scope: Scope;
  readonly settings: LoadedSettings;
  readonly log: Logger;
  readonly calledAs: string;
  /** Plugin files from `--plugin`, beside those of the setting `plugins`. */
  readonly plugins: readonly string[];
}

export interface OpenedStore {
  readonly host: PluginHost;
  readonly store: ResourceStore;
  readonly workDir: string;
}

/** Loads the plugins and opens the store that `store.type` names; it closes with the scope. */
export async function openConfiguredStore({ scope, settings, log, calledAs, plugins }: CpStart): Promise<OpenedStore> {
  const workDir = openWorkDir(settings.get(SETTINGS.workDir), calledAs);
  const host = new PluginHost();
  host.register(controlPlanePlugins);
  for (const file of [...settings.get(SETTINGS.plugins), ...plugins]) host.register([await loadPlugin(resolve(file))]);
  const type = settings.get(SETTINGS.storeType);
  const path = settings.get(SETTINGS.sqlitePath);
  const options = type === "sqlite" && path ? { path: resolve(path) } : {};
  const store = await host.create<ResourceStore>("store", type, { scope, log, clock: systemClock, workDir }, options);
  scope.defer(() => store.close());
  return { host, store, workDir };
}

async function loadPlugin(file: string): Promise<Plugin> {
  const { loadPluginFile } = await import("./load-plugin-file.ts");
  return loadPluginFile(file);
}
