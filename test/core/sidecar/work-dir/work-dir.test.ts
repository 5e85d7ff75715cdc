import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { Scope } from "../../../../core/kernel/scope.ts";
import { readLock, writeLock } from "../../../../core/sidecar/work-dir/lock-file.ts";
import { openWorkDir, type WorkDir } from "../../../../core/sidecar/work-dir/open-work-dir.ts";
import { identityOf, isAlive, type ProcessIdentity } from "../../../../core/sidecar/work-dir/process-identity.ts";
import { openRuntimeRoot } from "../../../../core/sidecar/work-dir/runtime-root.ts";

let base: string;
let root: string;
let scope: Scope;
const children: ChildProcess[] = [];
const CP = "https://cp:5678";
const DEAD = { pid: 2 ** 22 + 1, startTime: 1 };

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "wd-"));
  root = join(base, "root");
  mkdirSync(root);
  scope = new Scope("test");
});

afterEach(async () => {
  await scope.close();
  for (const child of children.splice(0)) child.kill("SIGKILL");
  rmSync(base, { recursive: true });
});

const open = (chosen?: string, name = "redis-1"): WorkDir =>
  openWorkDir({ mesh: "test-mesh", name, controlPlane: CP, chosen, env: {}, root, scope });

function running(): ChildProcess & { pid: number } {
  const child = spawn("sleep", ["60"]);
  children.push(child);
  return child as ChildProcess & { pid: number };
}

function leave(name: string, supervisor: ProcessIdentity = DEAD, envoy: ProcessIdentity = DEAD): string {
  const directory = join(root, `dp-test${Math.random().toString(16).slice(2, 6)}`);
  mkdirSync(directory);
  writeLock(directory, {
    mesh: "test-mesh",
    name,
    controlPlane: CP,
    supervisor,
    envoy,
    adminSocket: join(directory, "admin.sock"),
  });
  return directory;
}

describe("a process is known by its number and its start", () => {
  test("alive, dead, and another of the same number", async () => {
    const child = running();
    const identity = identityOf(child.pid);
    assert.equal(isAlive(identity), true);
    assert.equal(isAlive({ ...identity, startTime: identity.startTime + 1 }), false);
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
    assert.equal(isAlive(identity), false);
  });
});

test("the root belongs to its user alone", () => {
  const directory = openRuntimeRoot({ TMPDIR: base });
  assert.equal(statSync(directory).mode & 0o077, 0);
});

describe("a private work directory", () => {
  test("can be entered by its owner alone, and is gone afterwards", async () => {
    const { path, socketDir } = open();
    assert.equal(path, socketDir);
    assert.equal(statSync(path).mode & 0o777, 0o700);
    assert.ok(path.length < 80, "too long for the path of a Unix socket");
    await scope.close();
    assert.equal(existsSync(path), false);
  });

  test("what a sidecar of another container has stays: from here its processes only look dead", () => {
    const elsewhere = leave("redis-2", { ...DEAD, namespace: "pid:[1]" });
    const here = leave("redis-3", { ...DEAD, namespace: identityOf(process.pid).namespace ?? "" });
    const { leftover } = open(undefined, "redis-2");
    assert.deepEqual([existsSync(elsewhere), existsSync(here), leftover], [true, false, undefined]);
  });

  test("what dead sidecars left is removed at the next start", () => {
    const dead = leave("redis-2");
    const lockless = join(root, "dp-lockless");
    mkdirSync(lockless);
    const young = join(root, "dp-young");
    mkdirSync(young);
    utimesSync(lockless, 1000, 1000);
    open();
    assert.deepEqual([existsSync(dead), existsSync(lockless), existsSync(young)], [false, false, true]);
    rmSync(young, { recursive: true });
  });

  test("an Envoy that its killed supervisor left is found again by the same sidecar only", () => {
    const envoy = running();
    const directory = leave("redis-1", DEAD, identityOf(envoy.pid));
    assert.equal(open(undefined, "redis-2").leftover, undefined);
    const elsewhere = { mesh: "test-mesh", name: "redis-1", controlPlane: "https://other:5678" };
    assert.equal(openWorkDir({ ...elsewhere, chosen: undefined, env: {}, root, scope }).leftover, undefined);
    const { leftover } = open();
    assert.deepEqual(
      [leftover?.directory, leftover?.envoy.pid, leftover?.adminSocket],
      [directory, envoy.pid, join(directory, "admin.sock")],
    );
    assert.equal(existsSync(directory), true);
    rmSync(directory, { recursive: true });
  });

  test("a running sidecar is left alone and can be named", () => {
    const [supervisor, envoy] = [running(), running()];
    const directory = leave("redis-1", identityOf(supervisor.pid), identityOf(envoy.pid));
    const workDir = open();
    assert.equal(workDir.leftover, undefined);
    assert.equal(workDir.describeProcess(envoy.pid), "the sidecar of redis-1");
    assert.equal(workDir.describeProcess(process.pid), "the sidecar of redis-1");
    assert.equal(workDir.describeProcess(1), undefined);
    rmSync(directory, { recursive: true });
  });

  test("the lock tells which Envoy runs", () => {
    const workDir = open();
    workDir.recordEnvoy(process.pid, "/x/admin.sock");
    const lock = readLock(workDir.path);
    assert.deepEqual(
      [lock?.mesh, lock?.name, lock?.envoy?.pid, lock?.adminSocket],
      ["test-mesh", "redis-1", process.pid, "/x/admin.sock"],
    );
  });
});

describe("a chosen work directory", () => {
  test("is made, used for everything, and stays", async () => {
    const chosen = join(base, "a/b");
    const { path, socketDir } = open(chosen);
    assert.deepEqual([path, socketDir], [chosen, chosen]);
    await scope.close();
    assert.deepEqual(readdirSync(chosen), []);
  });

  test("whose path is too long for a socket gets a private one for the sockets", () => {
    const { path, socketDir } = open(join(base, "x".repeat(100)));
    assert.notEqual(path, socketDir);
    assert.ok(socketDir.startsWith(root));
  });

  test("that another sidecar uses is refused, naming it", () => {
    const other = running();
    const chosen = join(base, "shared");
    mkdirSync(chosen);
    writeLock(chosen, { mesh: "m", name: "redis-9", controlPlane: CP, supervisor: identityOf(other.pid) });
    assert.throws(() => open(chosen), new RegExp(`in use by the sidecar of redis-9 \\(pid ${other.pid}\\)`));
  });

  test("in which a left Envoy still has its sockets is not touched", () => {
    const envoy = running();
    const chosen = join(base, "kept");
    mkdirSync(chosen);
    writeLock(chosen, {
      mesh: "test-mesh",
      name: "redis-1",
      controlPlane: CP,
      supervisor: DEAD,
      envoy: identityOf(envoy.pid),
      adminSocket: join(chosen, "a.sock"),
    });
    const workDir = open(chosen);
    assert.equal(workDir.leftover?.envoy.pid, envoy.pid);
    assert.notEqual(workDir.socketDir, chosen);
  });

  test("that is a file is refused", () => {
    const file = join(base, "file");
    writeFileSync(file, "");
    assert.throws(() => open(file), { code: "MM105" });
  });
});
