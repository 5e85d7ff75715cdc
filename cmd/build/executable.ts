import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type BuildOptions, build } from "esbuild";
import { stripElf } from "./strip-elf.ts";

const ROOT = join(import.meta.dirname, "../..");

/** The fuse that the pinned Node looks for: turned by the injection, it makes Node run the blob instead of a file. */
const SENTINEL_FUSE = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2";

export interface ExecutableOptions {
  /** The main module, relative to the root of the tree. */
  readonly entry: string;
  /** Worker threads: name -> module. Each becomes the text asset `worker/NAME` (core/kernel/runtime.ts). */
  readonly workers: Readonly<Record<string, string>>;
  /** Other files to embed: asset name -> file, relative to the root of the tree. */
  readonly assets: Readonly<Record<string, string>>;
  /** Scratch directory; emptied first. */
  readonly work: string;
  /** Where the executable goes. Renamed into place, so that a running one keeps its file. */
  readonly out: string;
}

/**
 * Bundle -> blob of Node's single-executable format -> into a stripped copy of the Node that runs this build. Names in
 * the blob are relative and the random seed is fixed, so that two builds of one tree are the same to the byte.
 */
export async function buildExecutable(options: ExecutableOptions): Promise<void> {
  const { work } = options;
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  await bundle(options.entry, join(work, "main.cjs"));
  const assets: Record<string, string> = {};
  for (const [name, source] of Object.entries(options.workers)) {
    await bundle(source, join(work, `worker-${name}.cjs`));
    assets[`worker/${name}`] = `worker-${name}.cjs`;
  }
  for (const [name, file] of Object.entries(options.assets)) {
    const copy = `asset-${name.replaceAll("/", "-")}`;
    copyFileSync(join(ROOT, file), join(work, copy));
    assets[name] = copy;
  }
  writeFileSync(join(work, "sea.json"), JSON.stringify(seaConfig(assets), null, 2));
  run(work, ["--random-seed=1", ...V8_FLAGS, "--experimental-sea-config", "sea.json"]);
  // Before the blob goes in: a finished executable does not survive stripping.
  writeFileSync(join(work, "executable"), stripElf(readFileSync(process.execPath)), { mode: 0o755 });
  const postject = join(ROOT, "node_modules/postject/dist/cli.js");
  run(work, [postject, "executable", "NODE_SEA_BLOB", "sea.blob", "--sentinel-fuse", SENTINEL_FUSE]);
  renameSync(join(work, "executable"), options.out);
}

/** V8 flags of the executable. The code cache is only accepted by a V8 with the flags it was made with. */
const V8_FLAGS: readonly string[] = [];

function seaConfig(assets: Record<string, string>): Record<string, unknown> {
  return {
    main: "main.cjs",
    output: "sea.blob",
    disableExperimentalSEAWarning: true,
    useSnapshot: false,
    useCodeCache: true,
    execArgv: ["--disable-warning=ExperimentalWarning", ...V8_FLAGS],
    // NODE_OPTIONS is for programs that are Node to their user; this one is not.
    execArgvExtension: "none",
    assets,
  };
}

/** Not minified: it would save 1 % of the executable and take the names out of stack traces. */
const BUNDLE: BuildOptions = {
  bundle: true,
  platform: "node",
  format: "cjs",
  target: "node24",
  absWorkingDir: ROOT,
  legalComments: "none",
  logLevel: "error",
  banner: { js: 'const __moduleUrl = require("node:url").pathToFileURL(process.execPath).href;' },
  define: {
    MONOMESH_VERSION: JSON.stringify(
      (JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string }).version,
    ),
    "import.meta.url": "__moduleUrl",
    "import.meta.dirname": "__dirname",
  },
};

async function bundle(entry: string, outfile: string): Promise<void> {
  await build({ ...BUNDLE, entryPoints: [entry], outfile });
}

function run(cwd: string, args: readonly string[]): void {
  const done = spawnSync(process.execPath, args, { cwd, encoding: "utf8" });
  if (done.error || done.status !== 0)
    throw new Error(`node ${args.join(" ")} failed: ${done.error?.message ?? done.stderr + done.stdout}`);
}
