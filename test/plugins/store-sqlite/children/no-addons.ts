import { join } from "node:path";
import { systemClock } from "../../../../core/kernel/clock.ts";
import { createLogger } from "../../../../core/kernel/log.ts";
import { openSqliteStore } from "../../../../plugins/store-sqlite/sqlite-store.ts";

/* Opens a store in argv[2] by whatever driver there is, prints the log and writes once. */

const log = createLogger({ write: (level, event, text) => void process.stdout.write(`${level} ${event} ${text}\n`) });
const store = await openSqliteStore({ path: join(process.argv[2] ?? "", "store.db"), clock: systemClock, log });
const stored = await store.put({ type: "Dataplane", mesh: "default", name: "a", labels: {}, spec: {} });
process.stdout.write(`stored ${stored.version}\n`);
await store.close();
