import { createHash, randomBytes } from "node:crypto";
import { existsSync, lstatSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { homeDir } from "./home-dir.ts";

/** Where unpacked files may live, best first. Below MONOMESH_CACHE_DIR in a directory of one's own, as others may share it. */
export function cacheDirs(): string[] {
  const uid = process.getuid?.() ?? 0;
  const chosen = process.env["MONOMESH_CACHE_DIR"];
  if (chosen) return [join(chosen, `monomesh-${uid}`)];
  return [join(homeDir(), ".cache/monomesh"), `/var/tmp/monomesh-${uid}`, `/dev/shm/monomesh-${uid}`];
}

/**
 * The file in `dir` that holds `bytes`, under their checksum as name. It will be executed, so it is read back each time
 * and written anew unless nobody else can have touched it. Throws when others can write to `dir`.
 */
export function unpackTo(dir: string, name: string, bytes: Buffer): string {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  if (!isPrivate(dir)) throw new Error(`${dir} can be written by other users`);
  const checksum = sha256(bytes);
  const file = join(dir, `${checksum.slice(0, 16)}-${name}`);
  if (existsSync(file) && isPrivate(file) && sha256(readFileSync(file)) === checksum) return file;
  const fresh = `${file}.${randomBytes(4).toString("hex")}`;
  writeFileSync(fresh, bytes, { mode: 0o700, flag: "wx" });
  renameSync(fresh, file);
  return file;
}

function isPrivate(path: string): boolean {
  const state = lstatSync(path);
  return !state.isSymbolicLink() && state.uid === process.getuid?.() && (state.mode & 0o022) === 0;
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
