import { randomBytes } from "node:crypto";
import { accessSync, constants, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { MeshError } from "../../kernel/errors.ts";
import type { Scope } from "../../kernel/scope.ts";
import { readLock, type SidecarLock, writeLock } from "./lock-file.ts";
import { identityOf, isAlive, isInSight, type ProcessIdentity } from "./process-identity.ts";
import { openRuntimeRoot } from "./runtime-root.ts";

/** An Envoy that still serves although the supervisor that started it is gone. */
export interface Leftover {
  readonly directory: string;
  readonly envoy: ProcessIdentity;
  readonly adminSocket: string | undefined;
}

export interface WorkDir {
  /** Where Envoy's bootstrap lies. */
  readonly path: string;
  /** Where the sockets are; another directory when `path` is too long for a socket's path. */
  readonly socketDir: string;
  /** The Envoy that an earlier start of this same sidecar left behind. */
  readonly leftover: Leftover | undefined;
  /** Notes in the lock which Envoy runs here. */
  recordEnvoy(pid: number, adminSocket: string | undefined): void;
  /** `the sidecar of redis-1` when the process is the Envoy or the supervisor of a sidecar of this user. */
  describeProcess(pid: number): string | undefined;
}

export interface WorkDirOptions {
  readonly mesh: string;
  readonly name: string;
  /** `--cp-address`. */
  readonly controlPlane: string;
  /** `--work-dir`; undefined: a private one, removed when the scope closes. */
  readonly chosen: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where the private directories of this user's sidecars are. Default: `openRuntimeRoot`. */
  readonly root?: string;
  readonly scope: Scope;
}

/** A Unix socket's path has 107 characters at most; the longest name in the directory is `/kuma-envoy-admin.sock`. */
const LONGEST_SOCKET_DIR = 107 - 24;
const PREFIX = "dp-";
/** A directory without a lock may belong to a sidecar that is just making it. */
const LOCKLESS_AGE_MS = 60_000;

/** Opens the work directory, and clears away what dead sidecars left. Rejects with MM105 when it cannot be used. */
export function openWorkDir(options: WorkDirOptions): WorkDir {
  const { mesh, name, controlPlane, chosen, scope } = options;
  const root = options.root ?? openRuntimeRoot(options.env);
  let leftover = findLeftover(root, options);
  let path: string;
  let socketDir: string;
  if (chosen === undefined) {
    path = socketDir = makePrivate(root, scope);
  } else {
    path = openChosen(resolve(chosen));
    socketDir = path;
    const previous = readLock(path);
    if (previous && isAlive(previous.supervisor) && previous.supervisor.pid !== process.pid) {
      throw new MeshError(
        "MM105",
        `the work directory ${path} is in use by the sidecar of ${previous.name} (pid ${previous.supervisor.pid})`,
        {
          todo: "Give each sidecar a --work-dir of its own, or none.",
        },
      );
    }
    // The old Envoy's sockets lie in this directory: the new one's must not take their place before it serves.
    if (previous?.envoy && isAlive(previous.envoy)) {
      if (isSame(previous, options)) leftover = leftoverOf(path, previous);
      socketDir = makePrivate(root, scope);
    }
    if (socketDir.length > LONGEST_SOCKET_DIR) socketDir = makePrivate(root, scope);
  }
  let lock: SidecarLock = { mesh, name, controlPlane, supervisor: identityOf(process.pid) };
  const record = () => {
    for (const directory of new Set([path, socketDir])) writeLock(directory, lock);
  };
  record();
  if (chosen !== undefined) scope.defer(() => rmSync(join(path, "sidecar.lock"), { force: true }));
  return {
    path,
    socketDir,
    leftover,
    recordEnvoy(pid, adminSocket) {
      lock = { ...lock, envoy: identityOf(pid), ...(adminSocket === undefined ? {} : { adminSocket }) };
      record();
    },
    describeProcess: (pid) => describeProcess(root, pid),
  };
}

function makePrivate(root: string, scope: Scope): string {
  const directory = join(root, PREFIX + randomBytes(4).toString("hex"));
  mkdirSync(directory, { mode: 0o700 });
  scope.defer(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function openChosen(path: string): string {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    accessSync(path, constants.W_OK | constants.X_OK);
    return path;
  } catch (cause) {
    throw new MeshError("MM105", `the work directory ${path} cannot be used`, { why: (cause as Error).message, cause });
  }
}

/**
 * Looks through the directories of this user's sidecars; those whose processes are all dead are removed. Those of other
 * containers stay: their processes only look dead from here.
 */
function findLeftover(root: string, who: Who): Leftover | undefined {
  let found: Leftover | undefined;
  for (const directory of sidecarDirectories(root)) {
    const lock = readLock(directory);
    if (lock && (!isInSight(lock.supervisor) || isAlive(lock.supervisor))) continue;
    if (lock?.envoy && isAlive(lock.envoy)) {
      if (isSame(lock, who)) found = leftoverOf(directory, lock);
    } else if (lock || isOld(directory)) rmSync(directory, { recursive: true, force: true });
  }
  return found;
}

type Who = Pick<SidecarLock, "mesh" | "name" | "controlPlane">;

function isSame(a: Who, b: Who): boolean {
  return a.mesh === b.mesh && a.name === b.name && a.controlPlane === b.controlPlane;
}

function leftoverOf(directory: string, lock: SidecarLock): Leftover {
  return { directory, envoy: lock.envoy as ProcessIdentity, adminSocket: lock.adminSocket };
}

function describeProcess(root: string, pid: number): string | undefined {
  for (const directory of sidecarDirectories(root)) {
    const lock = readLock(directory);
    if (!lock || !isInSight(lock.supervisor)) continue;
    if (lock.envoy?.pid === pid && isAlive(lock.envoy)) {
      const state = isAlive(lock.supervisor) ? "" : " whose supervisor is gone";
      return `the sidecar of ${lock.name}${state}`;
    }
    if (lock.supervisor.pid === pid && isAlive(lock.supervisor)) return `the sidecar of ${lock.name}`;
  }
  return undefined;
}

function sidecarDirectories(root: string): string[] {
  return readdirSync(root)
    .filter((entry) => entry.startsWith(PREFIX))
    .map((entry) => join(root, entry));
}

function isOld(directory: string): boolean {
  try {
    return Date.now() - statSync(directory).mtimeMs > LOCKLESS_AGE_MS;
  } catch {
    return false;
  }
}
