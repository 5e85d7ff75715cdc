import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../../../core/kernel/clock.ts";
import { MeshError } from "../../../../core/kernel/errors.ts";
import { silentLogger } from "../../../../core/kernel/log.ts";
import { openSqliteStore } from "../../../../plugins/store-sqlite/sqlite-store.ts";

/*
 * Runs with a file system of 1 MB mounted at argv[2], by the driver in argv[3]: fills it, empties it, makes it read-only
 * (which the system allows while nothing has a file open), and prints what the store says to each.
 */

const [dir = "", driver = ""] = process.argv.slice(2);
const path = join(dir, "store.db");
const options = {
  path,
  clock: systemClock,
  log: silentLogger,
  driver: driver === "node" ? "node" : "better-sqlite3",
} as const;

async function failureOf(work: Promise<unknown>): Promise<MeshError> {
  const error = await work.then(
    () => assert.fail("it went through"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof MeshError, String(error));
  assert.equal(error.where, path);
  assert.ok(error.todo, "an error of the disk says what to do");
  return error;
}

const print = (text: string) => process.stdout.write(`${text}\n`);
const draft = (name: string) => ({ type: "Dataplane", mesh: "default", name, labels: {}, spec: "x".repeat(1000) });

const store = await openSqliteStore(options);
await store.put(draft("first"));
const watching = new AbortController();
const told: number[] = [];
const watch = (async () => {
  for await (const batch of store.watch(0, watching.signal)) told.push(...batch.map((change) => change.revision));
})();

const filler = join(dir, "filler");
for (let size = 1 << 20; size >= 1024; size /= 2) {
  try {
    writeFileSync(filler, Buffer.alloc(size), { flag: "a" });
  } catch {
    // Full up to this size; smaller pieces may still fit.
  }
}
let answered = 1;
const fill = async () => {
  for (;;) await store.put(draft(`n${answered++}`));
};
const full = await failureOf(fill());
answered--;
assert.equal((await store.list("Dataplane")).total, answered, "reads go on, and show what was answered");
print(`full: ${full.code} ${full.message}`);

rmSync(filler);
await store.put(draft("after"));
assert.equal((await store.get(draft("after")))?.revision, answered + 1, "a write that failed uses up no revision");
print("free again: ok");

watching.abort();
await watch;
assert.deepEqual(
  told,
  Array.from({ length: answered + 1 }, (_, at) => at + 1),
);
await store.close();
assert.equal(spawnSync("mount", ["-o", "remount,ro", dir]).status, 0);
const atStart = await failureOf(openSqliteStore(options));
print(`read-only start: ${atStart.code} ${atStart.message}`);
