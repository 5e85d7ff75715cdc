import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const ROOT = join(import.meta.dirname, "../..");
const OUT = join(ROOT, ".build/plugin-types");
const ENTRY = "cmd/plugin/host-module.ts";

/**
 * Makes `.build/plugin-types/monomesh-plugin.d.ts`: the types of the module `monomesh/plugin` in one file, for the editors
 * of people who write plugins. Does nothing when the files it is made of are those of the last time.
 */
export function generatePluginTypes(): void {
  const stamp = join(OUT, "stamp");
  if (existsSync(stamp) && isCurrent(readFileSync(stamp, "utf8"))) return;
  mkdirSync(OUT, { recursive: true });
  const work = mkdtempSync(join(OUT, "work-"));
  try {
    emitDeclarations(work);
    const { text, files } = bundle(work);
    writeFileSync(join(work, "whole.d.ts"), HEAD + text);
    writeFileSync(join(work, "stamp"), stampOf(files));
    renameSync(join(work, "whole.d.ts"), join(OUT, "monomesh-plugin.d.ts"));
    renameSync(join(work, "stamp"), stamp);
  } finally {
    rmSync(work, { recursive: true });
  }
}

const HEAD = `// The module \`monomesh/plugin\`, as it is inside monomesh. \`monomesh plugin new\` writes this file; write it again after an
// upgrade. \`z\` is zod's mini: npm install --save-dev zod gives it its types.
`;

/** A line for each file: its digest and its path. */
function stampOf(files: readonly string[]): string {
  const digest = (file: string) =>
    createHash("sha256")
      .update(readFileSync(join(ROOT, file)))
      .digest("hex");
  return files.map((file) => `${digest(file)} ${file}\n`).join("");
}

function isCurrent(stamp: string): boolean {
  const files = stamp
    .split("\n")
    .slice(0, -1)
    .map((line) => line.slice(65));
  return files.every((file) => existsSync(join(ROOT, file))) && stampOf(files) === stamp;
}

function emitDeclarations(work: string): void {
  const config = join(work, "tsconfig.json");
  const compilerOptions = {
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
    outDir: work,
    rootDir: ROOT,
    typeRoots: [join(ROOT, "node_modules/@types")],
  };
  const files = [join(ROOT, ENTRY)];
  writeFileSync(config, JSON.stringify({ extends: join(ROOT, "tsconfig.json"), compilerOptions, include: [], files }));
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  const done = spawnSync(process.execPath, [tsc, "-p", config], { encoding: "utf8" });
  // It writes declarations in spite of errors, which are reported by `./build.sh check`.
  if (!existsSync(join(work, declarationOf(ENTRY)))) throw new Error(`tsc failed on ${ENTRY}: ${done.stdout}`);
}

const declarationOf = (file: string) => file.replace(/\.ts$/, ".d.ts");

/** Each file that the entry reaches becomes a module; only the entry has the name that plugins import. */
function bundle(work: string): { readonly text: string; readonly files: readonly string[] } {
  const files = [ENTRY];
  const blocks: string[] = [];
  for (const file of files) {
    const inside = readFileSync(join(work, declarationOf(file)), "utf8")
      .replace(/(from |import\()"(\.[^"]+\.ts)"/g, (_all, how: string, path: string) => {
        const target = join(dirname(file), path);
        if (!files.includes(target)) files.push(target);
        return `${how}"${moduleName(target)}"`;
      })
      .replace(/^export declare /gm, "export ")
      .replace(/^declare /gm, "");
    blocks.push(`declare module "${moduleName(file)}" {\n${inside.replace(/^(?=.)/gm, "  ")}}\n`);
  }
  return { text: blocks.join("\n"), files };
}

function moduleName(file: string): string {
  return file === ENTRY ? "monomesh/plugin" : `monomesh:${file.replace(/\.ts$/, "")}`;
}
