import assert from "node:assert/strict";
import { once } from "node:events";
import {
  closeSync,
  copyFileSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import type { ErrorCode } from "../../../core/kernel/error-table.ts";
import { MeshError } from "../../../core/kernel/errors.ts";
import { assertNothingLost } from "../../../core/store/contract/case-tools.ts";
import { backupDatabase } from "../../../plugins/store-sqlite/backup.ts";
import { restoreDatabase } from "../../../plugins/store-sqlite/restore.ts";
import { MIGRATIONS } from "../../../plugins/store-sqlite/schema.ts";
import { loadDriver, type SqliteDriverName } from "../../../plugins/store-sqlite/sqlite-driver.ts";
import { CHILD, DRIVERS, draft, openStore, startNode, tempDir } from "./support.ts";

const refused = (code: ErrorCode, where: string, text: RegExp) => (error: unknown) => {
  assert.ok(error instanceof MeshError, String(error));
  assert.equal(error.code, code, error.message);
  assert.equal(error.where, where);
  assert.match(`${error.message} ${error.why} ${error.todo}`, text);
  return true;
};

/** A closed store with these names in it. */
async function storeWith(t: TestContext, path: string, names: readonly string[]): Promise<void> {
  const store = await openStore(t, path);
  for (const name of names) await store.put(draft(name));
  await store.close();
}

async function namesIn(t: TestContext, path: string): Promise<string[]> {
  const store = await openStore(t, path);
  const names = (await store.list("Dataplane")).items.map((item) => item.name);
  await store.close();
  return names;
}

async function restore(path: string, from: string, driver: SqliteDriverName = "node") {
  return restoreDatabase({ driver: await loadDriver(driver), path, from, nowMs: Date.UTC(2026, 0, 2, 3, 4, 5) });
}

for (const name of DRIVERS) {
  test(`a backup is one moment, though another process writes all the time (${name})`, async (t) => {
    const dir = tempDir(t);
    const path = join(dir, "store.db");
    const child = startNode(t, [CHILD, path, name, "4"]);
    const ended = once(child, "close");
    const answered = new Map<string, number>();
    let rest = "";
    child.stdout.on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) answered.set(line.split(" ")[1] ?? "", Number(line.split(" ")[2]));
    });
    await once(child.stdout, "data");
    const driver = await loadDriver(name);
    let before = 0;
    for (let round = 0; round < 5; round++) {
      // Lines that came up to here were answered before the copy began, so the copy has them.
      await new Promise((resolve) => setImmediate(resolve));
      const known = new Map(answered);
      const to = join(dir, `copy-${round}.db`);
      const { revision, bytes } = backupDatabase({ driver, path, to });
      assert.equal(statSync(to).mode & 0o777, 0o600, "it holds private keys");
      assert.equal(statSync(to).size, bytes);
      const copy = await openStore(t, to, name);
      assert.equal(await copy.revision(), revision);
      before = await assertNothingLost(copy, known, before);
      await copy.close();
    }
    assert.equal(child.exitCode, null, "it wrote until now");
    child.kill("SIGKILL");
    await ended;
    // What a killed process left in the write-ahead log belongs to the store too.
    const { revision } = backupDatabase({ driver, path, to: join(dir, "after.db") });
    const left = await openStore(t, path, name);
    assert.equal(await left.revision(), revision);
  });

  test(`a restore takes the copy, keeps the old one, and can be undone (${name})`, async (t) => {
    const dir = tempDir(t);
    const path = join(dir, "store.db");
    const copy = join(dir, "copy.db");
    await storeWith(t, path, ["a", "b"]);
    backupDatabase({ driver: await loadDriver(name), path, to: copy });
    await storeWith(t, path, ["c"]);
    const { revision, aside } = await restore(path, copy, name);
    assert.equal(revision, 2);
    assert.equal(aside, `${path}.before-restore-2026-01-02T03-04-05`);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(await namesIn(t, path), ["a", "b"]);
    const undone = await restore(path, aside ?? "", name);
    assert.deepEqual(await namesIn(t, path), ["a", "b", "c"]);
    assert.notEqual(undone.aside, aside, "two restores in one second keep both");
    assert.deepEqual(
      readdirSync(dir).filter((file) => /restoring|part|wal|shm/.test(file)),
      [],
    );
  });
}

test("a restore is refused while a process has the store, saying who", async (t) => {
  const dir = tempDir(t);
  const path = join(dir, "store.db");
  await storeWith(t, path, ["a"]);
  const copy = join(dir, "copy.db");
  backupDatabase({ driver: await loadDriver("node"), path, to: copy });
  const child = startNode(t, [CHILD, path, "better-sqlite3"]);
  await once(child.stdout, "data");
  child.stdout.resume();
  await assert.rejects(restore(path, copy), refused("MM501", path, new RegExp(`pid ${child.pid}`)));
  assert.ok(!readdirSync(dir).some((file) => file.includes("before-restore")));
});

test("what is no sound copy is refused, and the store stays as it is", async (t) => {
  const dir = tempDir(t);
  const path = join(dir, "store.db");
  await storeWith(
    t,
    path,
    Array.from({ length: 300 }, (_, at) => `n${at}`),
  );
  const before = readFileSync(path);
  const file = (name: string) => join(dir, name);
  backupDatabase({ driver: await loadDriver("node"), path, to: file("good.db") });
  writeFileSync(file("text.db"), "this is a shopping list\n".repeat(500));
  new DatabaseSync(file("foreign.db")).exec("CREATE TABLE bookmarks (url TEXT)");
  copyFileSync(file("good.db"), file("newer.db"));
  new DatabaseSync(file("newer.db")).exec(`PRAGMA user_version = ${MIGRATIONS.length + 1}`);
  writeFileSync(file("short.db"), before.subarray(0, 20_000));
  copyFileSync(file("good.db"), file("hole.db"));
  const hole = openSync(file("hole.db"), "r+");
  writeSync(hole, Buffer.alloc(8192, 0x5a), 0, 8192, 40_960);
  closeSync(hole);
  copyFileSync(file("good.db"), file("open.db"));
  writeFileSync(file("open.db-wal"), "a part of it");
  for (const [name, code, text] of [
    ["missing.db", "MM105", /does not exist/],
    ["text.db", "MM500", /not a database/],
    ["foreign.db", "MM500", /no database of monomesh/],
    ["newer.db", "MM500", /newer version/],
    ["short.db", "MM500", /damaged/],
    ["hole.db", "MM500", /damaged/],
    ["open.db", "MM105", /in use, or one that was not closed.*cp backup/],
  ] as const) {
    await assert.rejects(restore(path, file(name)), refused(code, file(name), text), name);
    assert.deepEqual(readFileSync(path), before, name);
  }
  assert.deepEqual(
    readdirSync(dir).filter((each) => /restoring|before/.test(each)),
    [],
  );
});

test("a damaged store is replaced, and kept aside with its log", async (t) => {
  const dir = tempDir(t);
  const path = join(dir, "store.db");
  await storeWith(t, path, ["a"]);
  const copy = join(dir, "copy.db");
  backupDatabase({ driver: await loadDriver("node"), path, to: copy });
  writeFileSync(path, "not a database any more\n".repeat(500));
  writeFileSync(`${path}-wal`, "its log");
  const { aside } = await restore(path, copy);
  assert.deepEqual(await namesIn(t, path), ["a"]);
  assert.match(readFileSync(aside ?? "", "utf8"), /not a database any more/);
});

test("a copy can be restored where no store was", async (t) => {
  const dir = tempDir(t);
  await storeWith(t, join(dir, "old.db"), ["a"]);
  const copy = join(dir, "copy.db");
  backupDatabase({ driver: await loadDriver("node"), path: join(dir, "old.db"), to: copy });
  assert.equal((await restore(join(dir, "new.db"), copy)).aside, undefined);
  assert.deepEqual(await namesIn(t, join(dir, "new.db")), ["a"]);
});

test("a backup overwrites nothing and leaves nothing half", async (t) => {
  const dir = tempDir(t);
  const path = join(dir, "store.db");
  const driver = await loadDriver("node");
  const to = join(dir, "copy.db");
  assert.throws(() => backupDatabase({ driver, path, to }), refused("MM105", path, /no database to copy/));
  writeFileSync(path, "this is a shopping list\n".repeat(500));
  assert.throws(() => backupDatabase({ driver, path, to }), refused("MM500", path, /not a database/));
  const nowhere = join(dir, "missing/copy.db");
  assert.throws(() => backupDatabase({ driver, path, to: nowhere }), refused("MM105", nowhere, /mkdir -p/));
  writeFileSync(to, "mine");
  assert.throws(() => backupDatabase({ driver, path, to }), refused("MM105", to, /exists already/));
  assert.equal(readFileSync(to, "utf8"), "mine");
  assert.deepEqual(readdirSync(dir).sort(), ["copy.db", "store.db"]);
});
