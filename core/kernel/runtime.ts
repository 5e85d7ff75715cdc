import { readFileSync } from "node:fs";
import { createRequire, registerHooks } from "node:module";
import { basename, join } from "node:path";
import { getAsset, getRawAsset, isSea } from "node:sea";
import { pathToFileURL } from "node:url";
import { constants, Script } from "node:vm";
import { cacheDirs, unpackTo } from "./unpacked-file.ts";

/*
 * The one place that knows whether the code runs from the packaged executable (Node's single-executable format, where
 * files are assets inside the executable) or from source.
 */

declare const MONOMESH_VERSION: string | undefined;

/** Program version; set by the packager, else read from package.json. */
export const VERSION: string =
  typeof MONOMESH_VERSION === "string"
    ? MONOMESH_VERSION
    : (JSON.parse(readFileSync(sourcePath("package.json"), "utf8")) as { version: string }).version;

export function isPackaged(): boolean {
  return isSea();
}

/** The real file of the executable; from source the Node that runs it. */
export function executablePath(): string {
  return process.execPath;
}

const NAMES = ["kuma-cp", "kuma-dp", "kumactl"];

/** The name the program was called by, if it is one of the names it answers to; else `monomesh`. From source `MONOMESH_CALLED_AS` stands in. */
export function calledAs(): string {
  const name = isPackaged() ? basename(process.argv0) : (process.env["MONOMESH_CALLED_AS"] ?? "monomesh");
  return NAMES.includes(name) ? name : "monomesh";
}

/** The command that runs this same program with other arguments. */
export function selfCommand(args: readonly string[]): { readonly file: string; readonly args: readonly string[] } {
  return isPackaged()
    ? { file: process.execPath, args }
    : { file: process.execPath, args: ["--disable-warning=ExperimentalWarning", sourcePath("cmd/main.ts"), ...args] };
}

/** Source text of a worker thread. Packaged it is the asset `worker/NAME`; from source the given module is loaded. */
export function workerEntry(
  name: string,
  source: URL,
): { readonly code: string; readonly eval: true } | { readonly code: URL; readonly eval: false } {
  return isPackaged() ? { code: getAsset(`worker/${name}`, "utf8"), eval: true } : { code: source, eval: false };
}

/**
 * Loads a native addon (`better_sqlite3`). Packaged it is unpacked once, under the name of its checksum, into a directory
 * that only this user can write, and checked at each start: a planted file would be executed. Throws when the system
 * cannot load it (an older C library, only directories from which nothing may be executed).
 */
export function loadAddon(name: string, source: string): unknown {
  if (!isPackaged()) return createRequire(import.meta.url)(source);
  const bytes = Buffer.from(getRawAsset(`asset/${name}`) as ArrayBuffer);
  let failure = new Error("nowhere to unpack it");
  for (const dir of cacheDirs()) {
    try {
      const module = { exports: {} };
      process.dlopen(module, unpackTo(dir, `${name}.node`, bytes));
      return module.exports;
    } catch (error) {
      failure = new Error(`${name}: ${(error as Error).message}; MONOMESH_CACHE_DIR names another directory`);
    }
  }
  throw failure;
}

/** Text that ships with the program: packaged the asset `text/NAME`, from source the file. */
export function textAsset(name: string, sourceFile: string): string {
  return isPackaged() ? getAsset(`text/${name}`, "utf8") : readFileSync(sourcePath(sourceFile), "utf8");
}

/** Objects that plugins import by name instead of by file: `monomesh/plugin`. */
const hostModules = new Map<string, Readonly<Record<string, unknown>>>();

/**
 * Imports a user's file: JavaScript or TypeScript (types are stripped), with its own relative imports and packages.
 * `provided` are modules the file may import by name although no package of that name exists.
 */
export async function importFile(
  file: string,
  provided: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {},
): Promise<unknown> {
  for (const [name, module] of Object.entries(provided)) provideModule(name, module);
  // The packaged main script can only import built-ins by itself; a script made by vm uses the ordinary loader.
  const load = new Script("(url) => import(url)", {
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  }).runInThisContext() as (url: string) => Promise<unknown>;
  return load(pathToFileURL(file).href);
}

const SCHEME = "monomesh-host:";

function provideModule(name: string, module: Readonly<Record<string, unknown>>): void {
  if (hostModules.size === 0) {
    registerHooks({
      resolve: (specifier, context, next) =>
        hostModules.has(specifier)
          ? { url: SCHEME + specifier, format: "module", shortCircuit: true }
          : next(specifier, context),
      load: (url, context, next) =>
        url.startsWith(SCHEME)
          ? { format: "module", source: hostModuleSource(url.slice(SCHEME.length)), shortCircuit: true }
          : next(url, context),
    });
    (globalThis as Record<symbol, unknown>)[Symbol.for("monomesh.host")] = hostModules;
  }
  hostModules.set(name, module);
}

function hostModuleSource(name: string): string {
  const names = Object.keys(hostModules.get(name) ?? {});
  const lookup = `globalThis[Symbol.for("monomesh.host")].get(${JSON.stringify(name)})`;
  return `const host = ${lookup};\n${names.map((each) => `export const ${each} = host[${JSON.stringify(each)}];`).join("\n")}\n`;
}

/** A file of the source tree. Only from source. */
function sourcePath(path: string): string {
  return join(import.meta.dirname, "../..", path);
}
