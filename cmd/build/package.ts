import { existsSync, linkSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { PLUGIN_TEXTS } from "../plugin/plugin-texts.ts";
import { buildExecutable } from "./executable.ts";
import { ENVOY } from "./fetch-envoy.ts";

const ROOT = join(import.meta.dirname, "../..");
const DIST = join(ROOT, "dist");

/** The names the executable answers to beside its own. */
const LINKS = ["kuma-cp", "kuma-dp", "kumactl"];

/** Makes what ships: the executable, its other names, and Envoy beside it, where it is found without a flag. */
async function packageProgram(): Promise<void> {
  mkdirSync(DIST, { recursive: true });
  const executable = join(DIST, "monomesh");
  // Of its own, so that two builds of one checkout do not meet.
  const work = mkdtempSync(join(ROOT, ".build/package-"));
  try {
    await buildExecutable({
      entry: "cmd/main.ts",
      workers: { "sqlite-writer": "plugins/store-sqlite/writer-worker.ts" },
      // The package carries an addon for each system; only this one's is taken.
      assets: { better_sqlite3: `node_modules/better-sqlite3/prebuilds/linux-${process.arch}.node` },
      texts: PLUGIN_TEXTS,
      work,
      out: executable,
    });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  for (const link of LINKS) replace(join(DIST, link), (path) => symlinkSync("monomesh", path));
  const envoy = join(DIST, "envoy");
  if (!existsSync(envoy) || statSync(envoy).ino !== statSync(ENVOY).ino)
    replace(envoy, (path) => linkSync(ENVOY, path));
  const size = (file: string) => `${(statSync(file).size / 1e6).toFixed(1)} MB`;
  process.stderr.write(`dist/monomesh ${size(executable)}, dist/envoy ${size(envoy)}\n`);
}

/** Never a moment without the file: a sidecar may start just now. */
function replace(path: string, make: (path: string) => void): void {
  const fresh = `${path}.${process.pid}`;
  make(fresh);
  renameSync(fresh, path);
}

try {
  await packageProgram();
} catch (error) {
  process.stderr.write(`error: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
