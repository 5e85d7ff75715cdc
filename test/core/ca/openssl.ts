import { spawnSync } from "node:child_process";

export const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;

/** Runs the openssl command; both outputs in one text. */
export function openssl(...args: readonly string[]): { readonly ok: boolean; readonly text: string } {
  const { status, stdout, stderr } = spawnSync("openssl", args, { encoding: "utf8" });
  return { ok: status === 0, text: stdout + stderr };
}
