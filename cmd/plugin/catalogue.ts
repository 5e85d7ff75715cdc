import { resolve } from "node:path";
import { PluginHost } from "../../core/kernel/plugin.ts";
import { controlPlanePlugins } from "../../plugins/builtins.ts";

/** What is built in, and what the files of the user add. Loads nothing more when there are none. */
export async function openCatalogue(files: readonly string[]): Promise<PluginHost> {
  const host = new PluginHost();
  host.register(controlPlanePlugins);
  for (const file of new Set(files.map((each) => resolve(each)))) {
    const { loadPluginFile } = await import("./load-plugin-file.ts");
    host.register([await loadPluginFile(file)], file);
  }
  return host;
}
