import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { checkTree } from "./rooms.ts";

const ROOT = join(import.meta.dirname, "../..");

/** One thing that is checked: all problems as text for people, empty when it is good. */
export type Check = () => string;

/** What `./build.sh check` and the tests check. The same functions, so that they cannot disagree. */
export const CHECKS: Readonly<Record<string, Check>> = {
  "rooms and file lengths": () => checkTree(ROOT).problems.join("\n"),
  types: () => tool("typescript/bin/tsc", ["-p", "tsconfig.json"]),
  lint: () => tool("@biomejs/biome/bin/biome", ["check", "--diagnostic-level=error", "--max-diagnostics=50"]),
};

function tool(script: string, args: readonly string[]): string {
  const file = join(ROOT, "node_modules", script);
  const done = spawnSync(process.execPath, [file, ...args], { cwd: ROOT, encoding: "utf8", maxBuffer: 1 << 26 });
  if (done.error) throw done.error;
  return done.status === 0 ? "" : `${done.stdout}${done.stderr}`;
}

if (process.argv[1] === import.meta.filename) {
  for (const warning of checkTree(ROOT).warnings) process.stderr.write(`note: ${warning}\n`);
  // All of them run, so that one call shows everything.
  for (const [name, check] of Object.entries(CHECKS)) {
    const problems = check();
    process.stderr.write(problems === "" ? `${name}: good\n` : `${name}:\n${problems}\n`);
    if (problems !== "") process.exitCode = 1;
  }
}
