import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { systemClock } from "../../../../core/kernel/clock.ts";
import { MeshError } from "../../../../core/kernel/errors.ts";
import { silentLogger } from "../../../../core/kernel/log.ts";
import { openSqliteStore } from "../../../../plugins/store-sqlite/sqlite-store.ts";

/*
 * Runs with an ext4 of its own mounted at argv[2], by the driver in argv[3]. The file system then stops writing, as it does
 * by itself when its disk fails, and the store goes on with what it can.
 */

const [dir = "", driver = ""] = process.argv.slice(2);
const path = join(dir, "store.db");
const draft = (name: string) => ({ type: "Dataplane", mesh: "default", name, labels: {}, spec: "x".repeat(1000) });

const store = await openSqliteStore({
  path,
  clock: systemClock,
  log: silentLogger,
  driver: driver === "node" ? "node" : "better-sqlite3",
});
for (let at = 0; at < 50; at++) await store.put(draft(`n${at}`));

assert.equal(spawnSync("mount", ["-o", "remount,abort", dir]).status, 0);
for (let again = 0; again < 3; again++) {
  const error = await store.put(draft("late")).then(
    () => assert.fail("it went through"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof MeshError, String(error));
  assert.equal(error.code, "MM503", error.message);
  assert.equal(error.where, path);
  assert.ok(error.todo, "an error of the disk says what to do");
  if (again === 0) process.stdout.write(`refused: ${error.message}\n`);
}

const { total, revision } = await store.list("Dataplane");
assert.deepEqual([total, revision], [50, 50]);
assert.equal((await store.get(draft("n7")))?.version, 1);
assert.equal(await store.get(draft("late")), undefined);
const stop = new AbortController();
const told: number[] = [];
for await (const batch of store.watch(0, stop.signal)) {
  told.push(...batch.map((change) => change.revision));
  if (told.length === 50) stop.abort();
}
process.stdout.write("reads go on\n");
await store.close();
