import { linkSync, mkdirSync, rmSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
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
  await buildExecutable({
    entry: "cmd/main.ts",
    workers: { "sqlite-writer": "plugins/store-sqlite/writer-worker.ts" },
    // The package carries an addon for each system; only this one's is taken.
    assets: { "addon/better_sqlite3": `node_modules/better-sqlite3/prebuilds/linux-${process.arch}.node` },
    work: join(ROOT, ".build/package"),
    out: executable,
  });
  for (const link of LINKS) {
    rmSync(join(DIST, link), { force: true });
    symlinkSync("monomesh", join(DIST, link));
  }
  const envoy = join(DIST, "envoy");
  rmSync(envoy, { force: true });
  linkSync(ENVOY, envoy);
  const size = (file: string) => `${(statSync(file).size / 1e6).toFixed(1)} MB`;
  process.stderr.write(`dist/monomesh ${size(executable)}, dist/envoy ${size(envoy)}\n`);
}

await packageProgram();
