import { resolve } from "node:path";
import { systemClock } from "../../core/kernel/clock.ts";
import type { Logger } from "../../core/kernel/log.ts";
import { type Plugin, type PluginContext, PluginHost } from "../../core/kernel/plugin.ts";
import type { Scope } from "../../core/kernel/scope.ts";
import type { LoadedSettings } from "../../core/kernel/settings/load-settings.ts";
import type { ResourceStore } from "../../core/store/resource-store.ts";
import { controlPlanePlugins } from "../../plugins/builtins.ts";
import { SETTINGS } from "./settings-table.ts";
import { storeOptions } from "./store-options.ts";
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
export async function openConfiguredStore(start: CpStart): Promise<OpenedStore> {
  const { host, workDir, context } = await preparePlugins(start);
  const { type, options } = storeOptions(start.settings);
  const store = await host.create<ResourceStore>("store", type, context, options);
  start.scope.defer(() => store.close());
  return { host, store, workDir };
}

/** Brings the store that `store.type` names to the layout of this version. Resolves to a sentence about what there was to do. */
export async function migrateConfiguredStore(start: CpStart): Promise<string> {
  const { host, workDir, context } = await preparePlugins(start);
  const { type, options } = storeOptions(start.settings);
  const done = await host.migrate("store", type, context, options);
  if (done) return done;
  // Other stores migrate when they are opened.
  const store = await host.create<ResourceStore>("store", type, context, options);
  start.scope.defer(() => store.close());
  return `the store in ${workDir} is up to date, at revision ${await store.revision()}`;
}

async function preparePlugins({ scope, settings, log, calledAs, plugins }: CpStart) {
  const workDir = openWorkDir(settings.get(SETTINGS.workDir), calledAs);
  const host = new PluginHost();
  host.register(controlPlanePlugins);
  for (const file of [...settings.get(SETTINGS.plugins), ...plugins]) host.register([await loadPlugin(resolve(file))]);
  const context: PluginContext = { scope, log, clock: systemClock, workDir };
  return { host, workDir, context };
}

async function loadPlugin(file: string): Promise<Plugin> {
  const { loadPluginFile } = await import("./load-plugin-file.ts");
  return loadPluginFile(file);
}
