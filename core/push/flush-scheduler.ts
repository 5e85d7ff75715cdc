import type { Clock } from "../kernel/clock.ts";
import type { Scope } from "../kernel/scope.ts";

/**
 * How long a change waits for others to join it when the event loop never rests: this, or several times what the last push
 * took, since acknowledgements follow that cost as much, so that pushes leave time for what else is to be done.
 */
const WINDOW_MS = 200;
const WINDOW_PER_PUSH = 8;
/** The same while all that waits can wait, as new endpoints do when thousands of sidecars join (docs/engine.md). */
const PATIENT_WINDOW_PER_PUSH = 24;
/** No change waits longer, whatever a push takes: what a mesh of 10,000 needs while all of it joins. */
const LONGEST_WINDOW_MS = 10_000;

export interface FlushSchedulerOptions {
  readonly clock: Clock;
  readonly scope: Scope;
  /** Pushes everything, or only what is urgent. Must not reject. */
  readonly flush: (all: boolean) => Promise<void>;
  /** Milliseconds that the event loop was busy since the process started. */
  readonly busy?: (() => number) | undefined;
}

/**
 * Decides when changes are pushed: at once when nothing was pushed lately; else when the event loop has been idle for as
 * long as it was busy since the last push began (with the writes and acknowledgements that the push caused), or when a
 * window is over: 200 ms, more when pushes take long, most when all that waits can wait. So a single change is fast, many
 * changes share their cost, and other work gets half of the time. Nothing runs when nothing was requested. What is urgent,
 * as the first configuration of a proxy, waits for no window and ends none.
 */
export class FlushScheduler {
  readonly #clock: Clock;
  readonly #scope: Scope;
  readonly #flush: (all: boolean) => Promise<void>;
  readonly #busy: () => number;
  /** What was requested and no push has taken yet: a push of everything, one of what is urgent. */
  #requested = false;
  /** Something in the next push of everything should not wait for long. */
  #pressing = false;
  #urgent = false;
  #flushing = false;
  /** The one thing that will begin the next push, or look again whether it may begin. */
  #next: Disposable | undefined;
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
      this.#next?.[Symbol.dispose]();
      this.#settle();
    });
  }

  /** Pushes done, and milliseconds that the last one of everything took. */
  get stats(): { readonly count: number; readonly lastMs: number } {
    return { count: this.#count, lastMs: this.#lastMs };
  }

  /** Something changed; `canWait`: nobody loses anything if it comes late. Cheap; call it as often as you like. */
  request(canWait = false): void {
    this.#requested = true;
    const sooner = !canWait && !this.#pressing;
    if (sooner) this.#pressing = true;
    if (!this.#next || sooner) this.#wait();
  }

  /** Something must not wait for others to join it. */
  requestUrgent(): void {
    if (this.#urgent) return;
    this.#urgent = true;
    this.#wait();
  }

  /** Resolves when nothing that was requested before is outstanding. */
  settled(): Promise<void> {
    if ((!this.#next && !this.#flushing) || this.#scope.closed) return Promise.resolve();
    return new Promise((resolve) => this.#settled.add(resolve));
  }

  #wait(): void {
    if (this.#scope.closed || this.#flushing) return;
    this.#next?.[Symbol.dispose]();
    const rest = this.#urgent ? 0 : this.#rest();
    // At once still means after the present turn, so that changes which came together stay together.
    this.#next = rest < 1 ? afterThisTurn(() => void this.#run()) : this.#clock.after(rest, () => this.#wait());
  }

  /** Milliseconds until the next push of everything may begin. */
  #rest(): number {
    const busy = this.#busy() - this.#busyAtStart;
    const perPush = this.#pressing ? WINDOW_PER_PUSH : PATIENT_WINDOW_PER_PUSH;
    const window = Math.min(LONGEST_WINDOW_MS, Math.max(WINDOW_MS, perPush * this.#lastMs));
    return this.#end + Math.min(window, Math.max(busy, this.#lastMs)) - this.#clock.monotonic();
  }

  async #run(): Promise<void> {
    this.#next = undefined;
    this.#flushing = true;
    this.#urgent = false;
    if (this.#requested && this.#rest() < 1) await this.#pushAll();
    else await this.#flush(false);
    this.#flushing = false;
    this.#count++;
    if (this.#requested || this.#urgent) this.#wait();
    else this.#settle();
  }

  async #pushAll(): Promise<void> {
    this.#requested = false;
    this.#pressing = false;
    this.#busyAtStart = this.#busy();
    const start = this.#clock.monotonic();
    await this.#flush(true);
    this.#end = this.#clock.monotonic();
    this.#lastMs = this.#end - start;
  }

  #settle(): void {
    for (const resolve of this.#settled) resolve();
    this.#settled.clear();
  }
}

function afterThisTurn(run: () => void): Disposable {
  const immediate = setImmediate(run);
  return { [Symbol.dispose]: () => clearImmediate(immediate) };
}
