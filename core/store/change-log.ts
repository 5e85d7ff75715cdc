import type { Change } from "./resource-store.ts";
import { revisionGone } from "./store-errors.ts";

/** A watcher gets at most this many changes at once, so that it can breathe while it catches up. */
const BATCH = 1000;

export interface ChangeLogOptions {
  /** Changes kept in memory. */
  readonly capacity: number;
  /** Revision of the newest commit when the log starts. */
  readonly start: number;
  /** Changes after a revision that memory no longer holds, oldest first; undefined when they are kept nowhere. */
  readonly older?: ((revision: number) => readonly Change[] | undefined) | undefined;
  /** Newest commit there is, when it can be ahead of this log. */
  readonly newest?: (() => number) | undefined;
}

/**
 * The newest changes of a store and everyone who watches them. One ring is shared: a watcher is a position in it, not a
 * queue, so a slow one costs no memory and is told to list again (MM510) once the ring has passed it.
 */
export class ChangeLog {
  readonly #ring: Change[];
  readonly #capacity: number;
  readonly #start: number;
  readonly #older: ChangeLogOptions["older"];
  readonly #newest: () => number;
  #last: number;
  #closed = false;
  readonly #sleepers = new Set<() => void>();
  #shared: readonly Change[] = [];

  constructor(options: ChangeLogOptions) {
    this.#capacity = options.capacity;
    this.#ring = new Array(options.capacity);
    this.#start = options.start;
    this.#last = options.start;
    this.#older = options.older;
    this.#newest = options.newest ?? (() => this.#last);
  }

  /** Revision of the newest change. */
  get last(): number {
    return this.#last;
  }

  /** Adds changes in order, the next revision first, and wakes the watchers. */
  append(changes: readonly Change[]): void {
    for (const change of changes) {
      this.#ring[change.revision % this.#capacity] = change;
      this.#last = change.revision;
    }
    this.#wake();
  }

  /** Ends every watch. */
  close(): void {
    this.#closed = true;
    this.#wake();
  }

  /** See `ResourceStore.watch`. */
  async *watch(revision: number, signal: AbortSignal): AsyncGenerator<readonly Change[], void, void> {
    if (revision > this.#last && revision > this.#newest()) throw revisionGone(revision, undefined, this.#newest());
    let position = revision;
    let wake: (() => void) | undefined;
    const onAbort = () => wake?.();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      while (!signal.aborted && !this.#closed) {
        const batch = this.#after(position);
        const end = batch.at(-1);
        if (end) {
          position = end.revision;
          yield batch;
        } else {
          await new Promise<void>((resolve) => {
            wake = resolve;
            this.#sleepers.add(resolve);
          });
        }
      }
    } finally {
      if (wake) this.#sleepers.delete(wake);
      signal.removeEventListener("abort", onAbort);
    }
  }

  #after(position: number): readonly Change[] {
    if (position >= this.#last) return [];
    const oldest = Math.max(this.#start, this.#last - this.#capacity) + 1;
    if (position + 1 < oldest) {
      const older = this.#older?.(position);
      if (!older) throw revisionGone(position, this.#older ? undefined : oldest, this.#last);
      return older;
    }
    const end = Math.min(this.#last, position + BATCH);
    // Watchers that keep up ask for the same stretch: one array serves them all.
    if (this.#shared[0]?.revision === position + 1 && this.#shared.at(-1)?.revision === end) return this.#shared;
    const batch: Change[] = [];
    for (let at = position + 1; at <= end; at++) batch.push(this.#ring[at % this.#capacity] as Change);
    this.#shared = Object.freeze(batch);
    return batch;
  }

  #wake(): void {
    const sleepers = [...this.#sleepers];
    this.#sleepers.clear();
    for (const wake of sleepers) wake();
  }
}
