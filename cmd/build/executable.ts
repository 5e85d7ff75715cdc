import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  createReadStream,
  createWriteStream,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { bundleChunks, bundleScript } from "./bundle.ts";
import { stripElf } from "./strip-elf.ts";

const ROOT = join(import.meta.dirname, "../..");

/** The fuse that the pinned Node looks for: turned by the injection, it makes Node run the blob instead of a file. */
const SENTINEL_FUSE = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2";

const FOLDERS = ["code", "cache", "worker", "asset", "text"];

export interface ExecutableOptions {
  /** The main module, relative to the root of the tree. */
  readonly entry: string;
  /** Worker threads: name -> module. Each becomes the asset `worker/NAME` (core/kernel/runtime.ts). */
  readonly workers: Readonly<Record<string, string>>;
  /** Other files to embed: NAME -> file, relative to the root of the tree. Each becomes the asset `asset/NAME`. */
  readonly assets: Readonly<Record<string, string>>;
  /** Text files to embed, as `assets`: each becomes the asset `text/NAME`. */
  readonly texts?: Readonly<Record<string, string>> | undefined;
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
  const inWork = (name: string) => join(work, name);
  rmSync(work, { recursive: true, force: true });
  for (const folder of FOLDERS) mkdirSync(inWork(folder), { recursive: true });

  writeFileSync(inWork("main.cjs"), await bundleScript("cmd/build/chunk-loader.ts"));
  for (const [name, code] of await bundleChunks(options.entry)) writeFileSync(inWork(`code/${name}`), code, "latin1");
  node(work, ["--random-seed=1", ...V8_FLAGS, join(import.meta.dirname, "code-cache.ts"), "code", "cache"]);
  for (const [name, source] of Object.entries(options.workers))
    writeFileSync(inWork(`worker/${name}`), await bundleScript(source));
  for (const [name, file] of Object.entries(options.assets)) copyFileSync(join(ROOT, file), inWork(`asset/${name}`));
  for (const [name, file] of Object.entries(options.texts ?? {}))
    copyFileSync(join(ROOT, file), inWork(`text/${name}`));
  const assets = FOLDERS.flatMap((folder) => readdirSync(inWork(folder)).map((name) => `${folder}/${name}`));
  writeFileSync(inWork("sea.json"), JSON.stringify(seaConfig(assets), null, 2));
  node(work, ["--random-seed=1", ...V8_FLAGS, "--experimental-sea-config", "sea.json"]);

  // Before the blob goes in: a finished executable does not survive stripping.
  writeFileSync(inWork("executable"), stripElf(readFileSync(process.execPath)), { mode: 0o755 });
  const postject = join(ROOT, "node_modules/postject/dist/cli.js");
  node(work, [postject, "executable", "NODE_SEA_BLOB", "sea.blob", "--sentinel-fuse", SENTINEL_FUSE]);
  await copyInPieces(inWork("executable"), inWork("finished"));
  renameSync(inWork("finished"), options.out);
}

/**
 * What is written at once lies in large pieces in the page cache, and Linux maps more of those at each page fault: until
 * the file had left the cache once, as after a reboot, a control plane that runs it has 15 to 30 MB more resident.
 */
async function copyInPieces(from: string, to: string): Promise<void> {
  await pipeline(createReadStream(from), createWriteStream(to, { mode: 0o755 }));
}

/**
 * V8 flags of the executable: those that V8 reads only when it starts; core/kernel/expect-bursts.ts has the others. The
 * code cache is only accepted by a V8 with the flags it was made with.
 *
 * The young generation is two semi-spaces, and on a machine with much memory each may grow to 64 MB. A control plane that is
 * never at rest then keeps 134 MB for what lives a few milliseconds.
 */
const V8_FLAGS: readonly string[] = ["--max-semi-space-size=16"];

function seaConfig(assets: readonly string[]): Record<string, unknown> {
  return {
    main: "main.cjs",
    output: "sea.blob",
    disableExperimentalSEAWarning: true,
    useSnapshot: false,
    // The main script only loads the chunks, which bring caches of their own.
    useCodeCache: false,
    execArgv: ["--disable-warning=ExperimentalWarning", ...V8_FLAGS],
    // NODE_OPTIONS is for programs that are Node to their user; this one is not.
    execArgvExtension: "none",
    assets: Object.fromEntries(assets.map((name) => [name, name])),
  };
}

function node(cwd: string, args: readonly string[]): void {
  const done = spawnSync(process.execPath, args, { cwd, encoding: "utf8" });
  if (done.error || done.status !== 0)
    throw new Error(`node ${args.join(" ")} failed: ${done.error?.message ?? done.stderr + done.stdout}`);
}
