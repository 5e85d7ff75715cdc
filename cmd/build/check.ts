import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { checkTree } from "./rooms.ts";

const ROOT = join(import.meta.dirname, "../..");

/** Types, lint, import rule, file length; all of them run, so that one call shows everything. */
const { problems, warnings } = checkTree(ROOT);
for (const warning of warnings) process.stderr.write(`note: ${warning}\n`);
for (const problem of problems) process.stderr.write(`error: ${problem}\n`);
const types = tool("typescript/bin/tsc", ["-p", "tsconfig.json"]);
const lint = tool("@biomejs/biome/bin/biome", ["check", "--diagnostic-level=error"]);
process.exitCode = problems.length > 0 || !types || !lint ? 1 : 0;
if (process.exitCode === 0) process.stderr.write("types, lint, rooms and file lengths are good\n");

function tool(script: string, args: readonly string[]): boolean {
  return (
    spawnSync(process.execPath, [join(ROOT, "node_modules", script), ...args], { cwd: ROOT, stdio: "inherit" })
      .status === 0
  );
}
