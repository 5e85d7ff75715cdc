import assert from "node:assert/strict";
import { closeSync, existsSync, openSync, readdirSync, statSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { systemClock } from "../../../core/kernel/clock.ts";
import type { ErrorCode } from "../../../core/kernel/error-table.ts";
import { MeshError } from "../../../core/kernel/errors.ts";
import { createLogger, silentLogger } from "../../../core/kernel/log.ts";
import { openDatabase } from "../../../plugins/store-sqlite/open-database.ts";
import { MIGRATIONS } from "../../../plugins/store-sqlite/schema.ts";
import { loadDriver } from "../../../plugins/store-sqlite/sqlite-driver.ts";
import { block } from "../../support/block.ts";
import { DRIVERS, draft, openStore, tempDir } from "./support.ts";

/** The error has the code, the path, and a way out. */
const says = (code: ErrorCode, path: string, message: RegExp, todo: RegExp) => (error: unknown) => {
  assert.ok(error instanceof MeshError, String(error));
  assert.equal(error.code, code, error.message);
  assert.equal(error.where, path);
  assert.match(error.message, message);
  assert.match(error.todo ?? "", todo);
  return true;
};

for (const driver of DRIVERS) {
  test(`a directory that does not exist is named (${driver})`, async (t) => {
    const path = join(tempDir(t), "missing", "store.db");
    await assert.rejects(openStore(t, path, driver), says("MM503", path, /does not exist/, /^mkdir -p .*missing$/));
  });

  test(`a path that is a directory cannot be opened (${driver})`, async (t) => {
    const path = tempDir(t);
    await assert.rejects(openStore(t, path, driver), says("MM503", path, /cannot be opened/, /read and written/));
  });

  test(`only the user can read the files of the store, which holds keys (${driver})`, async (t) => {
    const dir = tempDir(t);
    const store = await openStore(t, join(dir, "store.db"), driver);
    await store.put(draft("a"));
    for (const name of ["store.db", "store.db-wal"]) assert.equal(statSync(join(dir, name)).mode & 0o777, 0o600, name);
  });

  test(`a file that is no database is left as it is (${driver})`, async (t) => {
    const path = join(tempDir(t), "store.db");
    writeFileSync(path, "this is a shopping list\n".repeat(500));
    await assert.rejects(openStore(t, path, driver), says("MM500", path, /damaged, or not a database/, /backup/));
    assert.equal(statSync(path).size, 12_000);
  });

  test(`a clean end leaves the whole database in one file, however far the writing thread is (${driver})`, async (t) => {
    for (let ms = 0; ms < 200; ms += 5) {
      const path = join(tempDir(t), "store.db");
      const store = await openStore(t, path, driver);
      await store.put(draft("a"));
      // So that whether the thread has booted is known no sooner than the store closes.
      block(ms);
      await store.close();
      assert.equal(existsSync(`${path}-wal`), false, `closed after ${ms} ms`);
    }
  });

  test(`damage inside the file is found at the start after a crash (${driver})`, async (t) => {
    const path = join(tempDir(t), "store.db");
    const store = await openStore(t, path, driver);
    await Promise.all(Array.from({ length: 500 }, (_, at) => store.put(draft(`n${at}`, "x".repeat(500)))));
    await store.close();
    const file = openSync(path, "r+");
    writeSync(file, Buffer.alloc(8192, 0x5a), 0, 8192, 40_960);
    closeSync(file);
    writeFileSync(`${path}-wal`, "left by a crash");
    await assert.rejects(openStore(t, path, driver), says("MM500", path, /damaged/, /backup/));
  });

  test(`a database of another program is refused and not touched (${driver})`, async (t) => {
    const path = join(tempDir(t), "store.db");
    const foreign = new DatabaseSync(path);
    foreign.exec("CREATE TABLE bookmarks (url TEXT); PRAGMA user_version = 7");
    foreign.close();
    await assert.rejects(openStore(t, path, driver), says("MM500", path, /another program/, /store\.sqlite\.path/));
    const after = new DatabaseSync(path);
    assert.equal(after.prepare("SELECT count(*) AS n FROM sqlite_schema").get()?.["n"], 1);
    after.close();
  });

  test(`a database of a newer version is refused (${driver})`, async (t) => {
    const path = join(tempDir(t), "store.db");
    await (await openStore(t, path, driver)).close();
    const newer = new DatabaseSync(path);
    newer.exec(`PRAGMA user_version = ${MIGRATIONS.length + 1}`);
    newer.close();
    await assert.rejects(openStore(t, path, driver), says("MM500", path, /newer version/, /backup/));
  });
}

async function migrate(path: string, migrations: readonly string[], lines: string[] = []): Promise<void> {
  const log = createLogger({ write: (_level, _event, text) => lines.push(text) });
  const opened = openDatabase({ path, driver: await loadDriver("node"), log, nowMs: 0, migrations });
  opened.reader.close();
  opened.lock[Symbol.dispose]();
}

function schemaOf(path: string): unknown {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return database.prepare("PRAGMA user_version").get()?.["user_version"];
  } finally {
    database.close();
  }
}

async function storeWithOne(t: TestContext): Promise<string> {
  const path = join(tempDir(t), "store.db");
  const store = await openStore(t, path);
  await store.put(draft("a"));
  await store.close();
  return path;
}

test("migrations run in order, after a copy of what was there", async (t) => {
  const path = await storeWithOne(t);
  const lines: string[] = [];
  const later = ["ALTER TABLE resources ADD COLUMN x TEXT", "UPDATE resources SET x = 'moved'"];
  await migrate(path, [...MIGRATIONS, ...later], lines);
  assert.equal(schemaOf(path), MIGRATIONS.length + 2);
  const backup = `${path}.schema-${MIGRATIONS.length}`;
  assert.equal(schemaOf(backup), MIGRATIONS.length);
  assert.equal(statSync(backup).mode & 0o777, 0o600);
  assert.equal(lines.length, 1);
  assert.ok(lines[0]?.includes(backup), lines[0]);
  const moved = new DatabaseSync(path, { readOnly: true });
  assert.equal(moved.prepare("SELECT x FROM resources").get()?.["x"], "moved");
  moved.close();
  const restored = await openStore(t, backup);
  assert.equal((await restored.list("Dataplane")).total, 1);
});

test("a migration that fails changes nothing, and the next start tries again", async (t) => {
  const path = await storeWithOne(t);
  const broken = [...MIGRATIONS, "ALTER TABLE resources ADD COLUMN x TEXT; INSERT INTO nowhere VALUES (1)"];
  for (let attempt = 0; attempt < 2; attempt++) {
    await assert.rejects(migrate(path, broken), (error) => error instanceof MeshError && error.code === "MM500");
    assert.equal(schemaOf(path), MIGRATIONS.length);
  }
  const store = await openStore(t, path);
  assert.equal((await store.list("Dataplane")).total, 1);
});

test("a store that needs no migration makes no copy", async (t) => {
  const path = await storeWithOne(t);
  await (await openStore(t, path)).close();
  assert.deepEqual(
    readdirSync(join(path, "..")).filter((name) => name.includes("schema")),
    [],
  );
});

test("the work of opening does not grow with the store", async (t) => {
  const path = join(tempDir(t), "store.db");
  const store = await openStore(t, path);
  await Promise.all(Array.from({ length: 5000 }, (_, at) => store.put(draft(`n${at}`, "x".repeat(1000)))));
  await store.close();
  const driver = await loadDriver("better-sqlite3");
  const statements: string[] = [];
  const listening = {
    ...driver,
    open(file: string, busyMs: number) {
      const connection = driver.open(file, busyMs);
      const prepare = (sql: string) => {
        statements.push(sql);
        return connection.prepare(sql);
      };
      const { exec, close } = connection;
      return { exec, close, prepare, inTransaction: false };
    },
  };
  const opened = openDatabase({ path, driver: listening, log: silentLogger, nowMs: systemClock.now() });
  opened.reader.close();
  opened.lock[Symbol.dispose]();
  assert.ok(statements.length > 0);
  assert.deepEqual(
    statements.filter((sql) => /quick_check|FROM resources|FROM changes/.test(sql)),
    [],
  );
});
