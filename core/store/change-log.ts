import type { Change } from "./resource-store.ts";
import { revisionGone, storeClosed } from "./store-errors.ts";

/** A watcher gets at most this many changes at once, so that it can breathe while it catches up. */
const BATCH = 1000;

export interface ChangeLogOptions {
  /** Changes kept in memory, at least; what was appended at once is kept or dropped as a whole. */
  readonly capacity: number;
  /** Revision of the newest commit when the log starts. */
  readonly start: number;
  /** Changes after a revision that memory no longer holds, oldest first; undefined when they are kept nowhere. */
  readonly older?: ((revision: number) => readonly Change[] | undefined) | undefined;
  /** Newest commit there is, when it can be ahead of this log. */
  readonly newest?: (() => number) | undefined;
}

/**
 * The newest changes of a store and everyone who watches them. They are kept once: a watcher is a position, not a queue,
 * so a slow one costs no memory and is told to list again (MM510) once what it needs was dropped. One big delete never
 * cuts off a watcher that had kept up, since its changes are dropped together.
 */
export class ChangeLog {
  readonly #capacity: number;
  readonly #older: ChangeLogOptions["older"];
  readonly #newest: () => number;
  /** Changes in order; those before `#oldest` are dropped now and then. */
  readonly #changes: Change[] = [];
  /** First revision of each append that is kept. */
  readonly #starts: number[] = [];
  /** Oldest revision that is kept; one more than `#last` when there is none. */
  #oldest: number;
  #last: number;
  #closed = false;
  /** Counts the times the log began anew. */
  #life = 0;
  readonly #sleepers = new Set<() => void>();
  #shared: readonly Change[] = [];

  constructor(options: ChangeLogOptions) {
    this.#capacity = options.capacity;
    this.#oldest = options.start + 1;
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
    const first = changes[0];
    if (!first) return;
    for (const change of changes) this.#changes.push(change);
    this.#starts.push(first.revision);
    this.#last += changes.length;
    this.#forget();
    this.#wake();
  }

  /** Begins anew at a revision, which may be lower than the last: what lies between is not known. Every watch gets MM510. */
  restart(revision: number): void {
    this.#life++;
    this.#changes.length = 0;
    this.#starts.length = 0;
    this.#shared = [];
    this.#oldest = revision + 1;
    this.#last = revision;
    this.#wake();
  }

  /** Ends every watch. */
  close(): void {
    this.#closed = true;
    this.#wake();
  }

  /** See `ResourceStore.watch`. */
  async *watch(revision: number, signal: AbortSignal): AsyncGenerator<readonly Change[], void, void> {
    if (this.#closed) throw storeClosed();
    if (revision > this.#last && revision > this.#newest()) throw revisionGone(revision, undefined, this.#newest());
    let position = revision;
    const life = this.#life;
    let wake: (() => void) | undefined;
    const onAbort = () => wake?.();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      while (!signal.aborted && !this.#closed) {
        if (life !== this.#life) throw revisionGone(position, undefined, this.#last);
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
    if (position + 1 < this.#oldest) {
      const older = this.#older?.(position);
      if (!older) throw revisionGone(position, this.#older ? undefined : this.#oldest, this.#last);
      return older;
    }
    const end = Math.min(this.#last, position + BATCH);
    // Watchers that keep up ask for the same stretch: one array serves them all.
    if (this.#shared[0]?.revision === position + 1 && this.#shared.at(-1)?.revision === end) return this.#shared;
    const offset = this.#last - this.#changes.length;
    const batch = this.#changes.slice(position - offset, end - offset);
    this.#shared = Object.freeze(batch);
    return batch;
  }

  #forget(): void {
    while (this.#starts.length > 1 && this.#last - (this.#starts[1] ?? 0) + 1 >= this.#capacity) {
      this.#starts.shift();
      this.#oldest = this.#starts[0] ?? this.#oldest;
    }
    const dropped = this.#changes.length - (this.#last - this.#oldest + 1);
    if (dropped > this.#capacity) this.#changes.splice(0, dropped);
  }

  #wake(): void {
    const sleepers = [...this.#sleepers];
    this.#sleepers.clear();
    for (const wake of sleepers) wake();
  }
}
