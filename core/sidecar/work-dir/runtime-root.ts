import { chmodSync, lstatSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MeshError } from "../../kernel/errors.ts";

/**
 * The directory in which every sidecar of this user has a private one: /run/monomesh for root, else below the temporary
 * directory (`XDG_RUNTIME_DIR` goes when its user logs out, a sidecar does not). Only this user may enter it: a socket or a
 * file planted there would be trusted.
 */
export function openRuntimeRoot(env: Readonly<Record<string, string | undefined>>): string {
  const uid = process.getuid?.() ?? 0;
  const candidates = [
    ...(uid === 0 ? ["/run/monomesh"] : []),
    join(env["TMPDIR"] || tmpdir(), `monomesh-${uid}`),
    `/tmp/monomesh-${uid}`,
    `/dev/shm/monomesh-${uid}`,
  ].filter((each) => each.length <= LONGEST_ROOT);
  const reasons: string[] = [];
  for (const directory of candidates) {
    try {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      const state = lstatSync(directory);
      if (!state.isDirectory() || state.uid !== uid) throw new Error("it belongs to another user");
      if (state.mode & 0o077) chmodSync(directory, 0o700);
      return directory;
    } catch (error) {
      reasons.push(`${directory}: ${(error as Error).message}`);
    }
  }
  throw new MeshError("MM105", "there is no private directory for the sidecar's sockets", {
    why: reasons.join("\n"),
    todo: "Name one with --work-dir.",
  });
}

/** Leaves room for `/dp-12345678/kuma-envoy-admin.sock` in the 107 characters of a Unix socket's path. */
const LONGEST_ROOT = 70;
