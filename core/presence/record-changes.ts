import type { Clock } from "../kernel/clock.ts";
import { isAbortError, toMeshError } from "../kernel/errors.ts";
import type { PresenceSpec } from "../model/dataplane-presence.ts";
import { type ProxyId, proxyText } from "../push/snapshot.ts";
import { KeyedQueue } from "./keyed-queue.ts";
import type { News } from "./news.ts";
import type { Outcome, RecordStore } from "./record-store.ts";
import type { PresenceEvent } from "./transition.ts";

/** Between two tries of a write that the store could not take; milliseconds. */
const STORE_RETRY_MS = 1000;

/** Finds the event for a stored record; undefined: leave it as it is. */
export type Choose = (record: PresenceSpec) => PresenceEvent | undefined;

export interface RecordChangesOptions {
  readonly records: RecordStore;
  readonly news: News;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** What this control plane does to records: one thing after the other for each proxy, and told when it is done. */
export class RecordChanges {
  readonly #options: RecordChangesOptions;
  readonly #queue = new KeyedQueue();
  #stopped = false;

  constructor(options: RecordChangesOptions) {
    this.#options = options;
  }

  /** Writes that wait for the store are given up. */
  stop(): void {
    this.#stopped = true;
  }

  /** Runs when everything before it about the same proxy is done. */
  run<T>(proxy: ProxyId, task: () => Promise<T>): Promise<T> {
    return this.#queue.run(proxyText(proxy), task);
  }

  /** Rejects with MM503 when the store cannot take it. */
  change(proxy: ProxyId, choose: Choose): Promise<Outcome> {
    return this.run(proxy, () => this.#change(proxy, choose));
  }

  /**
   * For what nobody would ask for again: repeated until the store takes it, or the control plane stops. Whatever else
   * concerns the proxy goes on between two tries, so `choose` must look whether the record is still the one it means.
   */
  async persist(proxy: ProxyId, choose: Choose): Promise<void> {
    const { clock, news, signal } = this.#options;
    for (let tries = 1; !signal.aborted && !this.#stopped; tries++) {
      try {
        await this.change(proxy, choose);
        return;
      } catch (error) {
        const text = `what happened to it is not recorded yet: ${toMeshError(error).message}`;
        if (tries === 1) news.say(proxy, "error", "store", text);
        await clock.sleep(STORE_RETRY_MS, signal).catch((aborted: unknown) => {
          if (!isAbortError(aborted)) throw aborted;
        });
      }
    }
  }

  async #change(proxy: ProxyId, choose: Choose): Promise<Outcome> {
    const outcome = await this.#options.records.change(proxy, choose);
    this.#options.news.tell(proxy, outcome);
    return outcome;
  }
}
