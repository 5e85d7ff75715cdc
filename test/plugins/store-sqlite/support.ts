import { type ChildProcessByStdio, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { TestContext } from "node:test";
import { systemClock } from "../../../core/kernel/clock.ts";
import { type Logger, silentLogger } from "../../../core/kernel/log.ts";
import type { ResourceDraft } from "../../../core/model/resource.ts";
import type { WriterCommand } from "../../../core/store/contract/store-case.ts";
import type { ResourceStore } from "../../../core/store/resource-store.ts";
import type { SqliteDriverName } from "../../../plugins/store-sqlite/sqlite-driver.ts";
import { openSqliteStore } from "../../../plugins/store-sqlite/sqlite-store.ts";

export const DRIVERS: readonly SqliteDriverName[] = ["better-sqlite3", "node"];

export const CHILD = join(import.meta.dirname, "children/write-and-tell.ts");

/** Four writers on the store, for ever. */
export function writerCommand(path: string, driver: SqliteDriverName): WriterCommand {
  return { file: process.execPath, args: [CHILD, path, driver, "4"] };
}

/** A directory that goes with the test. */
export function tempDir(test: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "sqlite-"));
  test.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** A store that closes with the test. */
export async function openStore(
  test: TestContext,
  path: string,
  driver: SqliteDriverName = "better-sqlite3",
  log: Logger = silentLogger,
): Promise<ResourceStore> {
  const store = await openSqliteStore({ path, driver, clock: systemClock, log });
  test.after(() => store.close());
  return store;
}

export function draft(name: string, spec: unknown = {}): ResourceDraft {
  return { type: "Dataplane", mesh: "default", name, labels: {}, spec };
}

/** Starts Node with the arguments; killed when the test ends, if it still runs. */
export function startNode(test: TestContext, args: readonly string[]): ChildProcessByStdio<null, Readable, null> {
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  child.stdout.setEncoding("utf8");
  test.after(() => child.kill("SIGKILL"));
  return child;
}
