import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ProcessIdentity } from "./process-identity.ts";

/** Who uses a work directory. Lets the next start find what a killed one left behind. */
export interface SidecarLock {
  readonly mesh: string;
  readonly name: string;
  /** `--cp-address`: the same name at another control plane is another proxy. */
  readonly controlPlane: string;
  readonly supervisor: ProcessIdentity;
  readonly envoy?: ProcessIdentity;
  /** Envoy's admin socket. */
  readonly adminSocket?: string;
}

const LOCK_FILE = "sidecar.lock";

/** Undefined when there is none, or none that can be read. */
export function readLock(directory: string): SidecarLock | undefined {
  try {
    const lock = JSON.parse(readFileSync(join(directory, LOCK_FILE), "utf8")) as Partial<SidecarLock>;
    const { mesh, name, supervisor } = lock;
    if (typeof mesh !== "string" || typeof name !== "string" || typeof supervisor?.pid !== "number") return undefined;
    return lock as SidecarLock;
  } catch {
    return undefined;
  }
}

/** Renamed into place: a reader never sees half of it. */
export function writeLock(directory: string, lock: SidecarLock): void {
  const file = join(directory, LOCK_FILE);
  writeFileSync(`${file}.new`, JSON.stringify(lock), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
