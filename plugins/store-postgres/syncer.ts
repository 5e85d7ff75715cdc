import type pg from "pg";
import { pullChanges, readContent, type StampedChange } from "./database.ts";
import type { MemoryCopy } from "./memory-copy.ts";

/** Brings the copy up to the database. Rejects with the errors of `pg`. */
export class Syncer {
  readonly #copy: MemoryCopy;
  readonly #pool: () => pg.Pool;
  #running: Promise<void> | undefined;
  #queued: Promise<void> | undefined;

  constructor(copy: MemoryCopy, pool: () => pg.Pool) {
    this.#copy = copy;
    this.#pool = pool;
  }

  /**
   * Resolves when the copy has everything that was committed before the call, by whatever control plane. Calls at one
   * time share a query; those that come while it is under way share the next, since it may have been answered before.
   */
  sync(): Promise<void> {
    if (!this.#running) return this.#start();
    // Where the one under way fails, the next would only wait for the same reason once more.
    this.#queued ??= this.#running.then(
      () => this.#start(),
      (error) => {
        this.#queued = undefined;
        throw error;
      },
    );
    return this.#queued;
  }

  #start(): Promise<void> {
    this.#queued = undefined;
    const running = this.#pull().finally(() => {
      if (this.#running === running) this.#running = undefined;
    });
    this.#running = running;
    return running;
  }

  async #pull(): Promise<void> {
    for (;;) {
      const { revision: asked, stamp } = this.#copy;
      const { newest, present, changes } = await pullChanges(this.#pool(), asked);
      // After a failover or a restore the database may have other changes under the same revisions, or fewer; and what
      // is needed may be no longer kept.
      const other = stamp !== undefined && present !== stamp;
      const gone = changes.length === 0 ? newest !== asked : changes[0]?.change.revision !== asked + 1;
      if (other || gone) return this.#reload();
      this.#apply(changes);
      if (this.#copy.revision >= newest) return;
    }
  }

  /** Our own writes may have been applied while the query was under way. */
  #apply(pulled: readonly StampedChange[]): void {
    const news = pulled.filter(({ change }) => change.revision > this.#copy.revision);
    const last = news.at(-1);
    if (!last) return;
    this.#copy.apply(
      news.map(({ change }) => change),
      last.stamp,
    );
  }

  async #reload(): Promise<void> {
    this.#copy.replace(await readContent(this.#pool()));
  }
}
