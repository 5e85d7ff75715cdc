import { writeSync } from "node:fs";
import { systemClock } from "../../../../core/kernel/clock.ts";
import { silentLogger } from "../../../../core/kernel/log.ts";
import { openSqliteStore } from "../../../../plugins/store-sqlite/sqlite-store.ts";

/*
 * Writes to the store in argv[2] by the driver in argv[3] with argv[4] writers, for ever or argv[5] times each, and
 * prints a line `ACK name version revision` for each write once it was answered.
 */

const [path = "", driver = "", writers = "1", rounds = "Infinity"] = process.argv.slice(2);
const store = await openSqliteStore({
  path,
  driver: driver === "node" ? "node" : "better-sqlite3",
  clock: systemClock,
  log: silentLogger,
});

async function write(writer: number): Promise<void> {
  const name = `w${writer}`;
  for (let round = 0; round < Number(rounds); round++) {
    const draft = { type: "Dataplane", mesh: "default", name, labels: {}, spec: { round, filler: "x".repeat(300) } };
    const { version, revision } = await store.put(draft);
    // Synchronously: the line is with the reader before anything else happens here.
    writeSync(1, `ACK ${name} ${version} ${revision}\n`);
  }
}

await Promise.all(Array.from({ length: Number(writers) }, (_, writer) => write(writer)));
await store.close();
