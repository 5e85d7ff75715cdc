import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { systemClock } from "../../../core/kernel/clock.ts";
import { MeshError } from "../../../core/kernel/errors.ts";
import { silentLogger } from "../../../core/kernel/log.ts";
import { PluginHost } from "../../../core/kernel/plugin.ts";
import { Scope } from "../../../core/kernel/scope.ts";
import type { ResourceStore } from "../../../core/store/resource-store.ts";
import { sqliteStorePlugin } from "../../../plugins/store-sqlite/plugin.ts";
import { draft, tempDir } from "./support.ts";

function open(workDir: string, options: unknown, scope: Scope): Promise<ResourceStore> {
  const host = new PluginHost();
  host.register([sqliteStorePlugin] as never);
  return host.create<ResourceStore>(
    "store",
    "sqlite",
    { scope, log: silentLogger, clock: systemClock, workDir },
    options,
  );
}

function scopeOf(t: TestContext): Scope {
  const scope = new Scope("test");
  t.after(() => scope.close());
  return scope;
}

test("the file is monomesh.db in the work directory, and the store closes with its scope", async (t) => {
  const workDir = tempDir(t);
  const scope = new Scope("test");
  const store = await open(workDir, {}, scope);
  await store.put(draft("a"));
  assert.ok(existsSync(join(workDir, "monomesh.db")));
  await scope.close();
  await assert.rejects(store.get(draft("a")), (error) => error instanceof MeshError && error.code === "MM503");
});

test("the path can be chosen, and other options are refused by name", async (t) => {
  const workDir = tempDir(t);
  await open(workDir, { path: join(workDir, "other.db"), retainedChanges: 5 }, scopeOf(t));
  assert.ok(existsSync(join(workDir, "other.db")));
  const table: readonly [unknown, string][] = [
    [{ file: "x" }, ': there is no option "file"'],
    [{ retainedChanges: 0 }, "retainedChanges: must be a whole number, 1 or more"],
    [{ retainedChanges: "many" }, "retainedChanges: must be a whole number, 1 or more"],
    [{ path: "" }, "path: must not be empty"],
    ["monomesh.db", ": the options must be an object"],
  ];
  for (const [bad, problem] of table) {
    await assert.rejects(open(workDir, bad, scopeOf(t)), (error) => {
      assert.ok(error instanceof MeshError && error.code === "MM801", String(error));
      assert.deepEqual(
        error.violations.map(({ field, message }) => `${field}: ${message}`),
        [problem],
      );
      return true;
    });
  }
});

test("MONOMESH_SQLITE_DRIVER takes the names of the drivers and no others", async (t) => {
  t.after(() => {
    delete process.env["MONOMESH_SQLITE_DRIVER"];
  });
  process.env["MONOMESH_SQLITE_DRIVER"] = "oracle";
  await assert.rejects(
    open(tempDir(t), {}, scopeOf(t)),
    (error) => error instanceof MeshError && error.code === "MM201",
  );
  process.env["MONOMESH_SQLITE_DRIVER"] = "node";
  assert.equal((await (await open(tempDir(t), {}, scopeOf(t))).put(draft("a"))).version, 1);
});

test("where addons cannot be loaded Node's own SQLite serves the store, and one line says so", (t) => {
  const child = join(import.meta.dirname, "children/no-addons.ts");
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--no-addons", child, tempDir(t)], {
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
  assert.match(
    stdout,
    /^info store better-sqlite3 cannot be loaded here; Node's own SQLite serves the store \(.+\)\nstored 1\n$/,
  );
  assert.equal(stderr, "");
});
