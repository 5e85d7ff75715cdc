import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { MeshError } from "../../../core/kernel/errors.ts";
import { CHILD, DRIVERS, draft, openStore, startNode, tempDir } from "./support.ts";

const inUse = (pid: number | undefined) => (error: unknown) => {
  assert.ok(error instanceof MeshError, String(error));
  assert.equal(error.code, "MM501");
  assert.match(error.why ?? "", new RegExp(`^monomesh.* \\(pid ${pid}, since 20\\d\\d-.*Z\\) holds it\\.$`));
  assert.match(error.where ?? "", /store\.db$/);
  return true;
};

for (const holder of DRIVERS) {
  for (const other of DRIVERS) {
    test(`a second process is refused with who holds the file (${holder}, then ${other})`, async (t) => {
      const path = join(tempDir(t), "store.db");
      const child = startNode(t, [CHILD, path, holder]);
      await once(child.stdout, "data");
      child.stdout.resume();
      // Twice: being refused must not loosen the lock.
      await assert.rejects(openStore(t, path, other), inUse(child.pid));
      await assert.rejects(openStore(t, path, other), inUse(child.pid));
      child.kill("SIGKILL");
      await once(child, "close");
      const store = await openStore(t, path, other);
      assert.ok((await store.list("Dataplane")).total > 0);
    });
  }
}

const namespaces = spawnSync("unshare", ["--pid", "--fork", "true"]).status === 0;
const skip = namespaces ? false : "the system does not let tests make a process namespace";

test("the lock holds between containers, whose processes cannot see each other", { skip }, async (t) => {
  const path = join(tempDir(t), "store.db");
  const script = [process.execPath, CHILD, path, "better-sqlite3"];
  const child = spawn("unshare", ["--pid", "--fork", "--kill-child", ...script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  await once(child.stdout, "data");
  child.stdout.resume();
  // It is the first process of its namespace, as in a container: its number says nothing here.
  await assert.rejects(openStore(t, path, "node"), inUse(1));
  const ended = once(child, "close");
  child.kill("SIGKILL");
  await ended;
  await openStore(t, path, "node");
});

test("a second store in one process is refused, whichever driver asks", async (t) => {
  const path = join(tempDir(t), "store.db");
  const store = await openStore(t, path, "better-sqlite3");
  for (const driver of DRIVERS) await assert.rejects(openStore(t, path, driver), inUse(process.pid));
  await store.put(draft("a"));
  await store.close();
  const again = await openStore(t, path, "node");
  assert.ok(await again.get(draft("a")));
});

test("left lock files of a crash, whatever they hold, do not keep a store from opening", async (t) => {
  const path = join(tempDir(t), "store.db");
  writeFileSync(`${path}.lock`, "");
  writeFileSync(`${path}.holder`, JSON.stringify({ pid: 1, program: "monomesh cp run", since: "2020" }));
  const store = await openStore(t, path);
  await store.put(draft("a"));
  assert.equal(statSync(`${path}.lock`).size, 0);
});

test("after a clean end the directory holds the database and an empty lock file", async (t) => {
  const path = join(tempDir(t), "store.db");
  const store = await openStore(t, path);
  await store.put(draft("a"));
  await store.close();
  assert.equal(statSync(`${path}.lock`).size, 0);
  for (const suffix of ["-wal", "-shm", ".holder", ".lock-journal"]) assert.ok(!existsSync(path + suffix), suffix);
});
