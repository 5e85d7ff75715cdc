import { parentPort, workerData } from "node:worker_threads";
import { openConnection } from "./connection.ts";
import { loadDriver, type SqliteConnection } from "./sqlite-driver.ts";
import { storeError } from "./sqlite-errors.ts";
import { type FromWriter, packError, type ToWriter, type WriteRequest, type WriterData } from "./write-messages.ts";
import { Writer } from "./writer.ts";

/*
 * The thread that writes, so that a slow disk never holds up the event loop that serves the sidecars.
 */

const { driver, path, retainedChanges } = workerData as WriterData;
const loaded = loadDriver(driver);
let connection: SqliteConnection | undefined;
let writer: Writer | undefined;
let first = true;

/** Opens the database unless that is done; tried again by each batch until it works. */
async function openWriter(): Promise<Writer> {
  const loadedDriver = await loaded;
  if (writer) return writer;
  const opening = openConnection(loadedDriver, path);
  try {
    writer = new Writer(opening, path, retainedChanges);
    connection = opening;
    return writer;
  } catch (error) {
    opening.close();
    throw error;
  }
}

async function apply(batch: readonly WriteRequest[]): Promise<FromWriter> {
  try {
    const open = await openWriter();
    // The main thread may have written while this one booted.
    if (first) open.reload();
    first = false;
    return { replies: open.applyBatch(batch) };
  } catch (thrown) {
    const error = packError(storeError(thrown, path));
    return { replies: batch.map(() => ({ op: "refused", error })) };
  }
}

// Ahead of the first batch, which then finds it open; what goes wrong here is reported there.
const booting = openWriter()
  .catch(() => undefined)
  .then(() => parentPort?.postMessage({ booted: true } satisfies FromWriter));

parentPort?.on("message", async (message: ToWriter) => {
  if ("close" in message) {
    await booting;
    connection?.close();
    parentPort?.close();
  } else {
    parentPort?.postMessage(await apply(message.batch));
  }
});
