import { openConnection } from "./connection.ts";
import type { SqliteConnection, SqliteDriver } from "./sqlite-driver.ts";
import { storeError } from "./sqlite-errors.ts";
import { packError, type WriteReply, type WriteRequest } from "./write-messages.ts";
import { Writer } from "./writer.ts";

/** Writes on the main thread, on a connection of its own that is opened when there is something to write. */
export class EarlyWriter {
  readonly #driver: SqliteDriver;
  readonly #path: string;
  readonly #retainedChanges: number;
  #connection: SqliteConnection | undefined;
  #writer: Writer | undefined;

  constructor(driver: SqliteDriver, path: string, retainedChanges: number) {
    this.#driver = driver;
    this.#path = path;
    this.#retainedChanges = retainedChanges;
  }

  /** Blocks until the batch is on the disk. Never throws: what goes wrong is the reply of each request. */
  apply(batch: readonly WriteRequest[]): readonly WriteReply[] {
    try {
      this.#connection ??= openConnection(this.#driver, this.#path);
      this.#writer ??= new Writer(this.#connection, this.#path, this.#retainedChanges);
      return this.#writer.applyBatch(batch);
    } catch (thrown) {
      const error = packError(storeError(thrown, this.#path));
      return batch.map(() => ({ op: "refused", error }));
    }
  }

  close(): void {
    this.#connection?.close();
    this.#connection = undefined;
    this.#writer = undefined;
  }
}
