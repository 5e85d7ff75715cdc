import type { Clock } from "../kernel/clock.ts";
import type { Scope } from "../kernel/scope.ts";

/** No change waits longer than this for others to join it. */
const LONGEST_WINDOW_MS = 200;

export interface FlushSchedulerOptions {
  readonly clock: Clock;
  readonly scope: Scope;
  /** Must not reject. */
  readonly flush: () => Promise<void>;
  /** Milliseconds that the event loop was busy since the process started. */
  readonly busy?: (() => number) | undefined;
}

/**
 * Decides when changes are pushed: at once when nothing was pushed lately; else when the event loop has been idle for as
 * long as it was busy since the last push began (with the writes and acknowledgements that the push caused), or after
 * 200 ms. So a single change is fast, many changes share their cost, and other work gets half of the time. Nothing runs
 * when nothing was requested.
 */
export class FlushScheduler {
  readonly #clock: Clock;
  readonly #scope: Scope;
  readonly #flush: () => Promise<void>;
  readonly #busy: () => number;
  #state: "idle" | "waiting" | "flushing" = "idle";
  #again = false;
  #timer: Disposable | undefined;
  #busyAtStart = 0;
  #end = Number.NEGATIVE_INFINITY;
  #lastMs = 0;
  #count = 0;
  readonly #settled = new Set<() => void>();

  constructor(options: FlushSchedulerOptions) {
    this.#clock = options.clock;
    this.#scope = options.scope;
    this.#flush = options.flush;
    this.#busy = options.busy ?? (() => performance.eventLoopUtilization().active);
    this.#scope.defer(() => {
      this.#timer?.[Symbol.dispose]();
      this.#settle();
    });
  }

  /** Pushes done, and milliseconds that the last one took. */
  get stats(): { readonly count: number; readonly lastMs: number } {
    return { count: this.#count, lastMs: this.#lastMs };
  }

  /** Something changed. Cheap; call it as often as you like. */
  request(): void {
    this.#again = true;
    if (this.#state === "idle") this.#wait();
  }

  /** Resolves when nothing that was requested before is outstanding. */
  settled(): Promise<void> {
    if (this.#state === "idle" || this.#scope.closed) return Promise.resolve();
    return new Promise((resolve) => this.#settled.add(resolve));
  }

  #wait(): void {
    if (this.#scope.closed) return;
    this.#state = "waiting";
    const rest = this.#rest();
    // At once still means after the present turn, so that changes which came together stay together.
    if (rest < 1) setImmediate(() => void this.#run());
    else this.#timer = this.#clock.after(rest, () => this.#wait());
  }

  /** Milliseconds until the next push may begin. */
  #rest(): number {
    const busy = this.#busy() - this.#busyAtStart;
    return this.#end + Math.min(LONGEST_WINDOW_MS, Math.max(busy, this.#lastMs)) - this.#clock.monotonic();
  }

  async #run(): Promise<void> {
    if (this.#scope.closed) return;
    this.#state = "flushing";
    this.#again = false;
    this.#busyAtStart = this.#busy();
    const start = this.#clock.monotonic();
    await this.#flush();
    this.#end = this.#clock.monotonic();
    this.#lastMs = this.#end - start;
    this.#count++;
    this.#state = "idle";
    if (this.#again) this.#wait();
    else this.#settle();
  }

  #settle(): void {
    for (const resolve of this.#settled) resolve();
    this.#settled.clear();
  }
}
