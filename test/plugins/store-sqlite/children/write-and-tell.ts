import { systemClock } from "../../../../core/kernel/clock.ts";
import { silentLogger } from "../../../../core/kernel/log.ts";
import { writeAndTell } from "../../../../core/store/contract/write-and-tell.ts";
import { openSqliteStore } from "../../../../plugins/store-sqlite/sqlite-store.ts";

/* Writes to the store in argv[2] by the driver in argv[3] with argv[4] writers, for ever or argv[5] times each. */

const [path = "", driver = "", writers = "1", rounds = "Infinity"] = process.argv.slice(2);
const store = await openSqliteStore({
  path,
  driver: driver === "node" ? "node" : "better-sqlite3",
  clock: systemClock,
  log: silentLogger,
});
await writeAndTell(store, Number(writers), Number(rounds));
await store.close();
