import type { SharedStats } from "./shared-resources.ts";

/** A histogram as Prometheus wants it: counts of values up to each bound, cumulative. Milliseconds. */
export interface HistogramStats {
  readonly buckets: readonly { readonly le: number; readonly count: number }[];
  readonly sum: number;
  readonly count: number;
}

/** The engine's figures for `/metrics`; a plain picture of the moment. */
export interface PushStats {
  /** Store revision that the picture includes. */
  readonly revision: number;
  readonly meshes: number;
  /** Proxies that somebody subscribed to. */
  readonly proxies: number;
  /** Proxies that wait for a refresh. */
  readonly pending: number;
  readonly resources: SharedStats;
  /** Distinct sets of resources; proxies that need the same ones share them. */
  readonly sets: number;
  /** DNS names in use. */
  readonly hosts: number;
  /** Pushes since the start, and milliseconds that the last one took. */
  readonly flushes: number;
  readonly lastFlushMs: number;
  /** Longest time that the engine held the event loop, in milliseconds. */
  readonly longestSliceMs: number;
  /** Snapshots handed to streams since the start. */
  readonly snapshots: number;
  /** From the moment a change was read from the store until a proxy that it concerns acknowledged it; one value per proxy. */
  readonly convergence: HistogramStats;
}

const BOUNDS_MS = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000] as const;

export class Histogram {
  readonly #counts = BOUNDS_MS.map(() => 0);
  #sum = 0;
  #count = 0;

  observe(value: number): void {
    this.#sum += value;
    this.#count++;
    for (let at = BOUNDS_MS.length - 1; at >= 0 && value <= (BOUNDS_MS[at] as number); at--) {
      this.#counts[at] = (this.#counts[at] as number) + 1;
    }
  }

  stats(): HistogramStats {
    const buckets = BOUNDS_MS.map((le, at) => ({ le, count: this.#counts[at] as number }));
    return { buckets, sum: this.#sum, count: this.#count };
  }
}
