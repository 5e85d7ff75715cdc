import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type BuildOptions, build } from "esbuild";

const ROOT = join(import.meta.dirname, "../..");
const WORK = join(ROOT, ".build/package");
const DIST = join(ROOT, "dist");
const VERSION = (JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string }).version;

/** The names the executable answers to beside its own. */
const LINKS = ["kuma-cp", "kuma-dp", "kumactl"];

/** Worker threads: asset name -> module. */
const WORKERS: Readonly<Record<string, string>> = { "sqlite-writer": "plugins/store-sqlite/writer-worker.ts" };

/**
 * Bundle -> blob for Node's single-executable format -> into a stripped copy of the pinned Node. Paths are relative and
 * the random seed fixed, so that two builds of one tree are the same to the byte.
 */
async function main(): Promise<void> {
  rmSync(WORK, { recursive: true, force: true });
  mkdirSync(WORK, { recursive: true });
  mkdirSync(DIST, { recursive: true });
  await bundle("cmd/main.ts", "main.cjs");
  const assets: Record<string, string> = { "addon/better_sqlite3": "better_sqlite3.node" };
  copyFileSync(join(ROOT, addonPath()), join(WORK, "better_sqlite3.node"));
  for (const [name, source] of Object.entries(WORKERS)) {
    if (!existsSync(join(ROOT, source))) throw new Error(`the worker ${source} does not exist`);
    await bundle(source, `worker-${name}.cjs`);
    assets[`worker/${name}`] = `worker-${name}.cjs`;
  }
  writeFileSync(join(WORK, "sea.json"), JSON.stringify(seaConfig(assets), null, 2));
  run(process.execPath, ["--random-seed=1", "--experimental-sea-config", "sea.json"]);
  copyFileSync(process.execPath, join(WORK, "monomesh"));
  // Before the blob goes in: a finished executable does not survive stripping.
  run("strip", ["monomesh"], "strip is missing (package binutils); the executable will be larger");
  run(process.execPath, [
    join(ROOT, "node_modules/postject/dist/cli.js"),
    "monomesh",
    "NODE_SEA_BLOB",
    "sea.blob",
    "--sentinel-fuse",
    "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2",
  ]);
  publish();
}

const shared: BuildOptions = {
  bundle: true,
  platform: "node",
  format: "cjs",
  target: "node24",
  absWorkingDir: ROOT,
  legalComments: "none",
  logLevel: "error",
  define: {
    MONOMESH_VERSION: JSON.stringify(VERSION),
    "import.meta.dirname": "__dirname",
    "import.meta.url": "__filename",
  },
  // pg-native and friends are optional accelerators that are not there.
  external: ["pg-native"],
};

async function bundle(entry: string, out: string): Promise<void> {
  await build({ ...shared, entryPoints: [entry], outfile: join(WORK, out) });
}

function seaConfig(assets: Record<string, string>): Record<string, unknown> {
  return {
    main: "main.cjs",
    output: "sea.blob",
    disableExperimentalSEAWarning: true,
    useSnapshot: false,
    useCodeCache: true,
    execArgv: ["--disable-warning=ExperimentalWarning"],
    execArgvExtension: "none",
    assets,
  };
}

function addonPath(): string {
  return `node_modules/better-sqlite3/prebuilds/linux-${process.arch}.node`;
}

/** Runs a tool in the work directory. With `optional`, a tool that does not exist is said and passed over. */
function run(file: string, args: readonly string[], optional?: string): void {
  const done = spawnSync(file, args, { cwd: WORK, encoding: "utf8" });
  if (done.error && (done.error as NodeJS.ErrnoException).code === "ENOENT" && optional) {
    process.stderr.write(`${optional}\n`);
    return;
  }
  if (done.error || done.status !== 0)
    throw new Error(`${file} ${args.join(" ")} failed: ${done.error?.message ?? done.stderr}${done.stdout}`);
}

/** Renamed into place, so that a running dist/monomesh keeps its file. */
function publish(): void {
  renameSync(join(WORK, "monomesh"), join(DIST, "monomesh"));
  for (const link of LINKS) {
    rmSync(join(DIST, link), { force: true });
    symlinkSync("monomesh", join(DIST, link));
  }
  const envoy = join(DIST, "envoy");
  rmSync(envoy, { force: true });
  linkSync(join(ROOT, ".build/envoy/envoy"), envoy);
  const megabytes = (file: string) => `${(statSync(file).size / 1e6).toFixed(1)} MB`;
  process.stderr.write(`dist/monomesh ${megabytes(join(DIST, "monomesh"))}, dist/envoy ${megabytes(envoy)}\n`);
}

await main();
