import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../../core/kernel/clock.ts";
import { silentLogger } from "../../../core/kernel/log.ts";
import { assertNothingLost } from "../../../core/store/contract/case-tools.ts";
import { killWhileWriting } from "../../../core/store/contract/kill-while-writing.ts";
import type { SqliteDriverName } from "../../../plugins/store-sqlite/sqlite-driver.ts";
import { openSqliteStore } from "../../../plugins/store-sqlite/sqlite-store.ts";

const WRITER = join(import.meta.dirname, "../../plugins/store-sqlite/children/write-and-tell.ts");

export interface KillReport {
  readonly kills: number;
  /** Writes that were answered before their process was killed, and were there afterwards. */
  readonly answered: number;
}

/** Kills a process that writes to one SQLite file, again and again; rejects when anything that was answered is gone. */
export async function killOften(kills: number, driver: SqliteDriverName): Promise<KillReport> {
  const dir = mkdtempSync(join(tmpdir(), "bench-kills-"));
  const path = join(dir, "store.db");
  const command = {
    file: process.execPath,
    args: ["--disable-warning=ExperimentalWarning", WRITER, path, driver, "4"],
  };
  let revision = 0;
  try {
    for (let kill = 0; kill < kills; kill++) {
      const answered = await killWhileWriting(command, AbortSignal.timeout(60_000));
      const store = await openSqliteStore({ path, driver, clock: systemClock, log: silentLogger });
      try {
        revision = await assertNothingLost(store, answered, revision);
      } finally {
        await store.close();
      }
    }
    return { kills, answered: revision };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
