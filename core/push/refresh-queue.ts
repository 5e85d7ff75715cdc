import type { PushedProxy } from "./pushed-proxy.ts";

/** Where a proxy waits: for a push of those who have nothing yet, for the next push of everything, in the running one. */
export type WaitingPlace = "newcomers" | "next" | "running";

/** The proxies that wait for a refresh, each in one place. */
export class RefreshQueue {
  #newcomers = new Set<PushedProxy>();
  #next = new Set<PushedProxy>();
  #running = new Set<PushedProxy>();
  /** Left the queue, and is not done. */
  #refreshing: PushedProxy | undefined;

  get size(): number {
    return this.#newcomers.size + this.#next.size + this.#running.size;
  }

  /** Whether a proxy does not have yet what it should have. */
  has(proxy: PushedProxy): boolean {
    return (
      this.#refreshing === proxy || this.#newcomers.has(proxy) || this.#next.has(proxy) || this.#running.has(proxy)
    );
  }

  /** One that still waits in the running push is given the newest picture there; one that has nothing yet waits for no other. */
  add(proxy: PushedProxy): WaitingPlace {
    if (this.#running.has(proxy)) return "running";
    if (proxy.hasNewcomer || this.#newcomers.has(proxy)) {
      this.#next.delete(proxy);
      this.#newcomers.add(proxy);
      return "newcomers";
    }
    this.#next.add(proxy);
    return "next";
  }

  /** Takes a proxy out: it is looked at now, or is gone. */
  delete(proxy: PushedProxy): void {
    this.#running.delete(proxy) || this.#next.delete(proxy) || this.#newcomers.delete(proxy);
  }

  /** Begins a push when the last one is done, and returns whom it concerns. `all`: not only those who have nothing yet. */
  begin(all: boolean): ReadonlySet<PushedProxy> {
    this.#running = this.#newcomers;
    this.#newcomers = new Set();
    if (all) {
      if (this.#running.size === 0) this.#running = this.#next;
      else for (const proxy of this.#next) this.#running.add(proxy);
      this.#next = new Set();
    }
    return this.#running;
  }

  /** The proxy counts as waiting until this is called with undefined. */
  set refreshing(proxy: PushedProxy | undefined) {
    this.#refreshing = proxy;
  }
}
