import type { Logger } from "../../core/kernel/log.ts";
import { LEADER_KEY, type Leadership } from "../../core/store/leadership.ts";
import type { Fence, ResourceStore } from "../../core/store/resource-store.ts";

/** Leads from when the lock is held and a term of its own was begun, until the session that holds the lock is over. */
export class Leader implements Leadership {
  readonly #store: Pick<ResourceStore, "epoch" | "advanceEpoch">;
  readonly #log: Logger;
  readonly #listeners = new Set<() => void>();
  #term: Fence | undefined;
  #locked = false;

  constructor(store: Pick<ResourceStore, "epoch" | "advanceEpoch">, log: Logger) {
    this.#store = store;
    this.#log = log;
  }

  get leads(): boolean {
    return this.#term !== undefined;
  }

  get term(): Fence | undefined {
    return this.#term;
  }

  onChange(listener: () => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
  }

  /** The session got the lock, or lost it. */
  locked(locked: boolean): void {
    this.#locked = locked;
    if (locked) void this.#begin();
    else this.#set(undefined);
  }

  async #begin(): Promise<void> {
    try {
      // With the lock nobody else begins a term; whoever led before is fenced from here on.
      const epoch = await this.#store.epoch(LEADER_KEY);
      const term = { key: LEADER_KEY, epoch: await this.#store.advanceEpoch(LEADER_KEY, epoch) };
      if (this.#locked) this.#set(term);
    } catch (error) {
      // The database is away, hence soon the session too; the next one that gets the lock comes here again.
      this.#log.debug("leader", `no term could be begun: ${(error as Error).message}`);
    }
  }

  #set(term: Fence | undefined): void {
    if (this.#term?.epoch === term?.epoch) return;
    this.#term = term;
    this.#log.debug(
      "leader",
      term ? `this control plane leads, term ${term.epoch}` : "this control plane leads no more",
    );
    for (const listener of [...this.#listeners]) listener();
  }
}
