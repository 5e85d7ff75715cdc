import { join, resolve } from "node:path";
import * as z from "zod/mini";
import { MeshError } from "../../core/kernel/errors.ts";
import { definePlugin } from "../../core/kernel/plugin.ts";
import { unknownOption } from "../../core/store/option-errors.ts";
import type { ResourceStore } from "../../core/store/resource-store.ts";
import { chooseDriver, type SqliteDriverName } from "./sqlite-driver.ts";
import { openSqliteStore } from "./sqlite-store.ts";

const AT_LEAST_ONE = "must be a whole number, 1 or more";

const options = z.strictObject(
  {
    /** The database file. Default: monomesh.db in the work directory. */
    path: z.optional(z.string("must be a path").check(z.minLength(1, "must not be empty"))),
    /** Changes that a watch can go back. */
    retainedChanges: z._default(z.int(AT_LEAST_ONE).check(z.minimum(1, AT_LEAST_ONE)), 5000),
  },
  { error: unknownOption },
);

export const sqliteStorePlugin = definePlugin<ResourceStore, z.infer<typeof options>>({
  kind: "store",
  name: "sqlite",
  description: "Keeps everything in one SQLite file on this machine; nothing that was answered is lost.",
  options,
  async create({ scope, log, clock, workDir }, { path, retainedChanges }) {
    const file = databaseFile(workDir, path);
    const store = await openSqliteStore({ path: file, clock, log, retainedChanges, driver: forcedDriver() });
    scope.defer(() => store.close());
    return store;
  },
  async backup({ workDir, log }, { path }, to) {
    const { backupDatabase } = await import("./backup.ts");
    const driver = await chooseDriver(forcedDriver(), log);
    const { revision, bytes } = backupDatabase({ driver, path: databaseFile(workDir, path), to });
    return `${to} has the store as of revision ${revision}, ${(bytes / 1e6).toFixed(1)} MB. It holds private keys.`;
  },
  async restore({ workDir, log, clock }, { path }, from) {
    const { restoreDatabase } = await import("./restore.ts");
    const driver = await chooseDriver(forcedDriver(), log);
    const target = databaseFile(workDir, path);
    const { revision, aside } = restoreDatabase({ driver, path: target, from, nowMs: clock.now() });
    const undo = aside ? `\nWhat was there is ${aside}. Undo:  monomesh cp restore ${aside}` : "";
    return `${target} is ${from}, at revision ${revision}.${undo}`;
  },
});

function databaseFile(workDir: string, path: string | undefined): string {
  return resolve(path ?? join(workDir, "monomesh.db"));
}

/** `MONOMESH_SQLITE_DRIVER`: which way to SQLite is taken, for tests and for hosts where the choice goes wrong. */
function forcedDriver(): SqliteDriverName | undefined {
  const name = process.env["MONOMESH_SQLITE_DRIVER"];
  if (!name) return undefined;
  if (name === "better-sqlite3" || name === "node") return name;
  throw new MeshError("MM201", `MONOMESH_SQLITE_DRIVER=${name} is no driver`, { todo: "Use better-sqlite3 or node." });
}
