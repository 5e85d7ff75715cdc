import { join } from "node:path";
import { openSqliteStore } from "../../../plugins/store-sqlite/sqlite-store.ts";
import { writerCommand } from "../../plugins/store-sqlite/support.ts";
import { storeContract } from "./store-contract.ts";

for (const driver of ["better-sqlite3", "node"] as const) {
  storeContract(
    `sqlite by ${driver}`,
    ({ workDir, clock, log, retainedChanges }) =>
      openSqliteStore({ path: join(workDir, "store.db"), clock, log, retainedChanges, driver }),
    {
      durable: true,
      compacts: true,
      // The second driver runs the same SQL, and so many puts take a while.
      large: driver === "better-sqlite3",
      writer: (workDir) => writerCommand(join(workDir, "store.db"), driver),
    },
  );
}
