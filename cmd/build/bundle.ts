import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { type BuildOptions, build, transform } from "esbuild";

const ROOT = join(import.meta.dirname, "../..");
const VERSION = (JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string }).version;

/** Names are kept, so that stack traces name functions. */
const SHARED: BuildOptions = {
  bundle: true,
  platform: "node",
  target: "node24",
  absWorkingDir: ROOT,
  write: false,
  legalComments: "none",
  logLevel: "error",
};

const DEFINE = { MONOMESH_VERSION: JSON.stringify(VERSION) };

/** One self-contained script, for a worker thread. */
export async function bundleScript(entry: string): Promise<string> {
  const { outputFiles } = await build({
    ...SHARED,
    entryPoints: [entry],
    format: "cjs",
    define: { ...DEFINE, "import.meta.url": "__moduleUrl", "import.meta.dirname": "__dirname" },
    banner: { js: 'const __moduleUrl=require("node:url").pathToFileURL(process.execPath).href;' },
  });
  return outputFiles?.[0]?.text ?? "";
}

/**
 * The program, cut at its dynamic imports: name -> text of a function expression that takes what CommonJS gives a module.
 * `main.js` is the entry. What two chunks need lies in a third, so every module exists once.
 */
export async function bundleChunks(entry: string): Promise<Map<string, string>> {
  const { outputFiles = [] } = await build({
    ...SHARED,
    entryPoints: { main: entry },
    format: "esm",
    splitting: true,
    outdir: ".",
    define: { ...DEFINE, "import.meta.url": "__moduleUrl", "import.meta.dirname": "__dirname" },
  });
  const chunks = new Map<string, string>();
  for (const file of outputFiles) {
    // Splitting works on ES modules only, and only CommonJS can be compiled from a string with a code cache.
    const { code } = await transform(withNamedExports(file.text), {
      format: "cjs",
      platform: "node",
      target: "node24",
      supported: { "dynamic-import": false },
    });
    // One byte a character halves the memory of the source. esbuild escapes all but comments and regular expressions.
    const narrow = code.replace(/^\s*(?:\/\/|\/?\*).*/gm, (comment) => comment.replace(/[^\0-\xff]/g, "?"));
    const wide = /.{0,60}[^\0-\xff].{0,60}/.exec(narrow);
    if (wide) throw new Error(`a character beyond Latin-1; write it as an escape: ${wide[0]}`);
    const parameters = "exports,require,module,__filename,__dirname,__moduleUrl";
    chunks.set(basename(file.path), `(function(${parameters}){${narrow.replace(/^#!.*/, "")}\n})`);
  }
  return chunks;
}

/**
 * Where a CommonJS package begins a chunk, esbuild exports it as `default` only; Node gives its properties by name too
 * when it is imported.
 */
function withNamedExports(chunk: string): string {
  return chunk.replace(
    /^export default (require_\w+)\(\);$/m,
    "module.exports = { __esModule: true, ...$1(), default: $1() };",
  );
}
