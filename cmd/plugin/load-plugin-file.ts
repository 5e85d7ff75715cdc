import { existsSync } from "node:fs";
import { systemClock } from "../../core/kernel/clock.ts";
import { MeshError } from "../../core/kernel/errors.ts";
import { messageOf, type Plugin, type PluginKind } from "../../core/kernel/plugin.ts";
import { importFile } from "../../core/kernel/runtime.ts";
import { withinTime } from "../../core/kernel/time-limit.ts";

const KINDS: readonly PluginKind[] = ["store", "lifecycle", "auth", "ca", "policy", "envoy-binary"];

/** A file that takes longer to load is given up, milliseconds. */
const LOAD_LIMIT_MS = 30_000;

/** Loads a user's plugin: a module whose default export is a plugin object. MM801 names the file and what is missing. */
export async function loadPluginFile(file: string, limitMs = LOAD_LIMIT_MS): Promise<Plugin> {
  if (!existsSync(file)) {
    throw new MeshError("MM801", "a plugin's file does not exist", {
      where: file,
      todo: "A relative path in the configuration starts at the configuration file, one after --plugin in this directory.",
    });
  }
  const plugin = (await importPlugin(file, limitMs)) as Partial<Plugin> | undefined;
  const missing = [
    KINDS.includes(plugin?.kind as PluginKind) ? undefined : `kind (one of ${KINDS.join(", ")})`,
    typeof plugin?.name === "string" && plugin.name !== "" ? undefined : "name",
    typeof plugin?.description === "string" ? undefined : "description",
    typeof plugin?.options?.["~standard"]?.validate === "function" ? undefined : "options (a schema)",
    typeof plugin?.create === "function" ? undefined : "create(context, options)",
  ].filter((each) => each !== undefined);
  if (missing.length > 0) {
    throw new MeshError("MM801", "the file is no plugin", {
      where: file,
      why: `Its default export lacks ${missing.join(", ")}.`,
      todo: "A new one to begin with: monomesh plugin new store my-store",
    });
  }
  return plugin as Plugin;
}

/** The default export of a user's file, which may import `monomesh/plugin`. */
export async function importPlugin(file: string, limitMs = LOAD_LIMIT_MS): Promise<unknown> {
  const host = await import("./host-module.ts");
  const late = () =>
    new MeshError("MM801", `a plugin did not load within ${limitMs / 1000} s`, {
      where: file,
      why: "It waits for something at its top level.",
    });
  try {
    const load = () => importFile(file, { "monomesh/plugin": host });
    const module = (await withinTime(systemClock, limitMs, load, late)) as { default?: unknown } | undefined;
    return module?.default;
  } catch (cause) {
    if (cause instanceof MeshError) throw cause;
    throw new MeshError("MM801", "a plugin could not be loaded", {
      where: placeOf(file, cause),
      why: messageOf(cause),
      cause,
    });
  }
}

/** The line that threw, if the stack says so: `/etc/monomesh/my-store.mjs:12`. */
function placeOf(file: string, cause: unknown): string {
  const stack = cause instanceof Error ? (cause.stack ?? "") : "";
  const line = stack.split(file)[1]?.match(/^:(\d+)/)?.[1];
  return line ? `${file}:${line}` : file;
}
