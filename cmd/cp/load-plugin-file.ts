import { MeshError } from "../../core/kernel/errors.ts";
import type { Plugin, PluginKind } from "../../core/kernel/plugin.ts";
import { importFile } from "../../core/kernel/runtime.ts";

const KINDS: readonly PluginKind[] = ["store", "lifecycle", "auth", "ca", "policy", "envoy-binary"];

/** Loads a user's plugin: a module whose default export is a plugin object. MM801 names the file and what is missing. */
export async function loadPluginFile(file: string): Promise<Plugin> {
  let module: { default?: unknown };
  try {
    module = (await importFile(file)) as { default?: unknown };
  } catch (cause) {
    throw new MeshError("MM801", `the plugin ${file} could not be loaded`, { why: (cause as Error).message, cause });
  }
  const plugin = module.default as Partial<Plugin> | undefined;
  const missing = [
    KINDS.includes(plugin?.kind as PluginKind) ? undefined : `kind (one of ${KINDS.join(", ")})`,
    typeof plugin?.name === "string" && plugin.name !== "" ? undefined : "name",
    plugin?.options?.["~standard"] ? undefined : "options (a schema)",
    typeof plugin?.create === "function" ? undefined : "create(context, options)",
  ].filter((each) => each !== undefined);
  if (missing.length > 0) {
    throw new MeshError("MM801", `${file} is no plugin`, { why: `Its default export lacks ${missing.join(", ")}.` });
  }
  return plugin as Plugin;
}
