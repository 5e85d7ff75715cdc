import { join } from "node:path";
import { openSqliteStore } from "../../../plugins/store-sqlite/sqlite-store.ts";
import { storeContract } from "./store-contract.ts";

for (const driver of ["better-sqlite3", "node"] as const) {
  storeContract(
    `sqlite by ${driver}`,
    ({ workDir, clock, log, retainedChanges }) =>
      openSqliteStore({ path: join(workDir, "store.db"), clock, log, retainedChanges, driver }),
    // The second driver runs the same SQL, and 100,000 puts take a while.
    { durable: true, compacts: true, large: driver === "better-sqlite3" },
  );
}
