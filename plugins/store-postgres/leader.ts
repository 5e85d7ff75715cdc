import type { Clock } from "../../core/kernel/clock.ts";
import type { Logger } from "../../core/kernel/log.ts";
import { LEADER_KEY, type Leadership } from "../../core/store/leadership.ts";
import type { Fence, ResourceStore } from "../../core/store/resource-store.ts";

/** A term that could not be begun is tried again after this time; milliseconds. */
const RETRY_MS = 1000;

export interface LeaderOptions {
  readonly store: Pick<ResourceStore, "epoch" | "advanceEpoch">;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Leads from when the lock is held and a term of its own was begun, until the session that holds the lock is over. */
export class Leader implements Leadership {
  readonly #options: LeaderOptions;
  readonly #listeners = new Set<() => void>();
  #term: Fence | undefined;
  /** Aborts when the lock that is held now is lost. */
  #holding = new AbortController();

  constructor(options: LeaderOptions) {
    this.#options = options;
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
    this.#holding.abort();
    this.#holding = new AbortController();
    if (locked) void this.#begin();
    else this.#set(undefined);
  }

  async #begin(): Promise<void> {
    const { clock, store, log } = this.#options;
    const holding = this.#holding.signal;
    while (!holding.aborted) {
      try {
        // With the lock nobody else begins a term; whoever led before is fenced from here on.
        const epoch = await store.epoch(LEADER_KEY);
        const term = { key: LEADER_KEY, epoch: await store.advanceEpoch(LEADER_KEY, epoch) };
        if (!holding.aborted) this.#set(term);
        return;
      } catch (error) {
        log.debug("leader", `no term could be begun yet: ${(error as Error).message}`);
        await clock.sleep(RETRY_MS, holding).catch(() => undefined);
      }
    }
  }

  #set(term: Fence | undefined): void {
    if (this.#term?.epoch === term?.epoch) return;
    this.#term = term;
    const text = term ? `this control plane leads, term ${term.epoch}` : "this control plane leads no more";
    this.#options.log.debug("leader", text);
    for (const listener of [...this.#listeners]) listener();
  }
}
