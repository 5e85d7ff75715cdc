import { join } from "node:path";
import { build } from "esbuild";

const ROOT = join(import.meta.dirname, "../..");

export interface ModuleGraph {
  /** Packages and folders that `file` loads: at once, or with `later` also by the dynamic imports behind it. */
  loadedBy(file: string, later: boolean): string[];
}

/** Who imports whom in the program, as the bundler sees it: imports of types only are not there. */
export async function createModuleGraph(entry: string): Promise<ModuleGraph> {
  const { metafile } = await build({
    entryPoints: [entry],
    absWorkingDir: ROOT,
    bundle: true,
    platform: "node",
    format: "esm",
    splitting: true,
    outdir: ".",
    write: false,
    metafile: true,
    logLevel: "error",
  });
  const importsOf = (file: string, later: boolean) =>
    (metafile.inputs[file]?.imports ?? [])
      .filter((each) => !each.external && (later || each.kind !== "dynamic-import"))
      .map((each) => each.path);
  return {
    loadedBy(file, later) {
      const seen = new Set<string>();
      const open = [file];
      for (let next = open.pop(); next !== undefined; next = open.pop()) {
        if (seen.has(next)) continue;
        seen.add(next);
        open.push(...importsOf(next, later));
      }
      return [...new Set([...seen].map(placeOf))].sort();
    },
  };
}

/** `node_modules/@a/b/…` -> `@a/b`; `core/kernel/…` -> `core/kernel`; `cmd/main.ts` stays. */
function placeOf(file: string): string {
  const parts = file.split("/");
  if (parts[0] !== "node_modules") return parts.slice(0, 2).join("/");
  return parts.slice(1, parts[1]?.startsWith("@") ? 3 : 2).join("/");
}
