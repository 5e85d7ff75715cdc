import { systemClock } from "../../core/kernel/clock.ts";
import type { Logger } from "../../core/kernel/log.ts";
import type { PluginContext, PluginHost } from "../../core/kernel/plugin.ts";
import type { Scope } from "../../core/kernel/scope.ts";
import type { LoadedSettings } from "../../core/kernel/settings/load-settings.ts";
import { createGuardedStore } from "../../core/store/guarded-store.ts";
import type { ResourceStore } from "../../core/store/resource-store.ts";
import { openCatalogue } from "../plugin/catalogue.ts";
import { checkPluginOptions } from "./plugin-options.ts";
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
  const { scope, log, settings } = start;
  const { host, workDir, context } = await preparePlugins(start);
  const { type, options, placeOf } = storeOptions(settings);
  const made = await host.create<ResourceStore>("store", type, context, options, placeOf);
  const { file } = host.get("store", type);
  const store = file ? createGuardedStore(made, { kind: "store", name: type, file, clock: systemClock, log }) : made;
  scope.defer(() => store.close());
  return { host, store, workDir };
}

/** Brings the store that `store.type` names to the layout of this version. Resolves to a sentence about what there was to do. */
export async function migrateConfiguredStore(start: CpStart): Promise<string> {
  const { host, context } = await preparePlugins(start);
  const { type, options } = storeOptions(start.settings);
  const done = await host.migrate("store", type, context, options);
  if (done) return done;
  // Other stores migrate when they are opened.
  const { store, workDir } = await openConfiguredStore(start);
  return `the store in ${workDir} is up to date, at revision ${await store.revision()}`;
}

/** Copies what the configured store keeps to a file, or back. Resolves to a sentence about it. */
export async function copyConfiguredStore(start: CpStart, how: "backup" | "restore", file: string): Promise<string> {
  const { host, context } = await preparePlugins(start);
  const { type, options } = storeOptions(start.settings);
  return host.copy(how, { kind: "store", name: type }, context, options, file);
}

/** The plugins come first: a mistake in the configuration must not make a directory. */
async function preparePlugins({ scope, settings, log, calledAs, plugins }: CpStart) {
  const host = await openCatalogue([...settings.get(SETTINGS.plugins), ...plugins]);
  checkPluginOptions(settings, host);
  host.get("store", settings.get(SETTINGS.storeType));
  const workDir = openWorkDir(settings.get(SETTINGS.workDir), calledAs);
  const context: PluginContext = { scope, log, clock: systemClock, workDir };
  return { host, workDir, context };
}
