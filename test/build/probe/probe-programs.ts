import { execFile } from "node:child_process";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { buildExecutable } from "../../../cmd/build/executable.ts";

export const ADDON: string = `node_modules/better-sqlite3/prebuilds/linux-${process.arch}.node`;

/** Builds the probe into `dir` as `monomesh`, with the links that users call it by. */
export async function buildProbe(dir: string): Promise<string> {
  const out = join(dir, "monomesh");
  await buildExecutable({
    entry: "test/build/probe/main.ts",
    workers: { probe: "test/build/probe/worker.ts" },
    assets: { better_sqlite3: ADDON },
    work: join(dir, "work"),
    out,
  });
  symlinkSync("monomesh", join(dir, "kuma-dp"));
  return out;
}

/** Runs a program that prints one line of JSON. Anything on stderr is part of the answer. */
export async function ask(
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<{ readonly answer: unknown; readonly stderr: string }> {
  const { stdout, stderr } = await promisify(execFile)(file, args, { env, timeout: 20_000 });
  return { answer: JSON.parse(stdout), stderr };
}
