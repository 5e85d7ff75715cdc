import type { Clock } from "../kernel/clock.ts";
import { isAbortError, toMeshError } from "../kernel/errors.ts";
import type { Logger } from "../kernel/log.ts";
import type { Change, ResourceStore } from "../store/resource-store.ts";
import { hasCode } from "./record-store.ts";

/** A store that could not be read is asked again after this time; milliseconds. */
const RETRY_MS = 1000;

export interface FollowerOptions {
  readonly store: ResourceStore;
  readonly types: readonly string[];
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Everything starts anew: forget what was told. */
  readonly onReset: () => void;
  /** A change; `settled` is false while the picture is still put together and may be older than the store. */
  readonly onChange: (change: Change, settled: boolean) => void;
  /** The picture is whole. */
  readonly onWhole: () => void;
}

/** Keeps a picture of some types of the store: lists them, then follows the changes; lists again when it must. */
export class StoreFollower {
  readonly #options: FollowerOptions;
  readonly #waiting = new Set<{ readonly revision: number; readonly done: () => void }>();
  /** Revision that the picture includes. */
  #applied = 0;
  /** Revision from which on the picture is whole; infinite while there is none. */
  #wholeAt = Number.POSITIVE_INFINITY;
  #troubled = false;

  constructor(options: FollowerOptions) {
    this.#options = options;
  }

  /** Resolves when the picture is whole for the first time; goes on in the background until the signal aborts. */
  async start(): Promise<void> {
    const revision = await this.#list();
    const whole = this.reached(this.#wholeAt, this.#options.signal);
    void this.#run(revision);
    await whole;
  }

  /** Resolves when the picture includes the revision, or the signal aborts. */
  async reached(revision: number, signal: AbortSignal): Promise<void> {
    if (this.#applied >= revision || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        signal.removeEventListener("abort", done);
        this.#waiting.delete(waiter);
        resolve();
      };
      const waiter = { revision, done };
      this.#waiting.add(waiter);
      signal.addEventListener("abort", done, { once: true });
    });
  }

  async #run(from: number): Promise<void> {
    const { store, signal, clock, log } = this.#options;
    let revision: number | undefined = from;
    while (!signal.aborted) {
      try {
        revision ??= await this.#list();
        this.#advance(revision);
        for await (const changes of store.watch(revision, signal)) this.#take(changes);
        if (!signal.aborted) await clock.sleep(RETRY_MS, signal);
        revision = this.#applied;
      } catch (error) {
        if (signal.aborted || isAbortError(error)) return;
        const gone = hasCode(error, "MM510");
        if (!gone && !this.#troubled) {
          log.warn("store", `presence cannot follow the store and tries again: ${toMeshError(error).message}`);
        }
        this.#troubled = !gone;
        revision = undefined;
        if (!gone) await clock.sleep(RETRY_MS, signal).catch(() => undefined);
      }
    }
  }

  /** Reads everything; returns the revision to watch from. What changed while it read comes again by the watch. */
  async #list(): Promise<number> {
    const { store, types, onReset, onChange } = this.#options;
    const pages = await Promise.all(types.map((type) => store.list(type)));
    onReset();
    for (const page of pages) {
      for (const resource of page.items) onChange({ op: "put", revision: resource.revision, resource }, false);
    }
    const revisions = pages.map((page) => page.revision);
    this.#wholeAt = Math.max(...revisions);
    this.#applied = 0;
    return Math.min(...revisions);
  }

  #take(changes: readonly Change[]): void {
    this.#troubled = false;
    for (const change of changes) {
      this.#options.onChange(change, this.#applied >= this.#wholeAt);
      this.#advance(change.revision);
    }
  }

  #advance(revision: number): void {
    const wasWhole = this.#applied >= this.#wholeAt;
    this.#applied = Math.max(this.#applied, revision);
    if (this.#applied >= this.#wholeAt && !wasWhole) this.#options.onWhole();
    for (const waiter of [...this.#waiting]) if (this.#applied >= waiter.revision) waiter.done();
  }
}
