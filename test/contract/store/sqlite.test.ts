import { join } from "node:path";
import { openSqliteStore } from "../../../plugins/store-sqlite/sqlite-store.ts";
import { storeContract } from "./store-contract.ts";

for (const driver of ["better-sqlite3", "node"] as const) {
  storeContract(
    `sqlite by ${driver}`,
    ({ workDir, clock, log, retainedChanges }) =>
      openSqliteStore({ path: join(workDir, "store.db"), clock, log, retainedChanges, driver }),
    { durable: true, compacts: true },
  );
}
