import type { Clock } from "../kernel/clock.ts";
import type { Lease } from "./lease.ts";

/** Between two looks whether the store takes writes again; milliseconds. */
const SETTLE_MS = 1000;

const SETTLING = Symbol("settling");

/** Streams that have their place though the store could not be told. It is tried again each second. */
export class Unrecorded {
  readonly #clock: Clock;
  readonly #settle: (lease: Lease) => Promise<void>;
  /** Each with the timer for the next attempt, or SETTLING during one. */
  readonly #leases = new Map<Lease, Disposable | typeof SETTLING>();
  #stopped = false;

  /** `settle` takes the place in earnest, and calls `delete` or `add` when it knows more; it never rejects. */
  constructor(clock: Clock, settle: (lease: Lease) => Promise<void>) {
    this.#clock = clock;
    this.#settle = settle;
  }

  /** A second from now it is tried, for the first time or again. */
  add(lease: Lease): void {
    if (this.#stopped || lease.ended !== undefined) return;
    const timer = this.#clock.after(SETTLE_MS, () => {
      this.#leases.set(lease, SETTLING);
      void this.#settle(lease);
    });
    this.#leases.set(lease, timer);
  }

  has(lease: Lease): boolean {
    return this.#leases.has(lease);
  }

  /** The stream takes its place in earnest now: what the watch shows of it meanwhile is its own doing. */
  isSettling(lease: Lease): boolean {
    return this.#leases.get(lease) === SETTLING;
  }

  /** Its place is written down, or is somebody else's. */
  delete(lease: Lease): void {
    const timer = this.#leases.get(lease);
    if (timer && timer !== SETTLING) timer[Symbol.dispose]();
    this.#leases.delete(lease);
  }

  /** Nothing is tried any more. */
  stop(): void {
    this.#stopped = true;
    for (const lease of [...this.#leases.keys()]) this.delete(lease);
  }
}
