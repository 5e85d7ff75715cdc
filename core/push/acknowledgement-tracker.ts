import type { AcknowledgedResult, Acknowledgements } from "./acknowledgements.ts";
import type { PushedProxy } from "./pushed-proxy.ts";
import { type ProxyId, proxyText } from "./snapshot.ts";

/** What the tracker must know of the engine. */
export interface AcknowledgementSource {
  /** Store revision that the picture includes. */
  revision(): number;
  /** Subscribed proxies with an outbound to one of the services. */
  consumers(mesh: string, services: readonly string[]): Iterable<PushedProxy>;
  /** Whether a proxy waits for a refresh. */
  isPending(proxy: PushedProxy): boolean;
}

interface Waiter {
  readonly revision: number;
  readonly pending: Set<PushedProxy>;
  readonly gone: Set<PushedProxy>;
  /** Looks for consumers that came since; done once, when the picture has reached the revision. */
  collect: (() => void) | undefined;
  total: number;
  finish(): void;
}

/** Implements the port: nothing runs while nobody waits. */
export class AcknowledgementTracker implements Acknowledgements {
  readonly #source: AcknowledgementSource;
  readonly #waiters = new Set<Waiter>();

  constructor(source: AcknowledgementSource) {
    this.#source = source;
  }

  waitFor(
    mesh: string,
    services: readonly string[],
    revision: number,
    options: { readonly except: ProxyId; readonly signal: AbortSignal },
  ): Promise<AcknowledgedResult> {
    const { except, signal } = options;
    return new Promise((resolve) => {
      const pending = new Set<PushedProxy>();
      const gone = new Set<PushedProxy>();
      const collect = () => {
        for (const proxy of this.#source.consumers(mesh, services)) {
          if (proxy.id.mesh === except.mesh && proxy.id.name === except.name) continue;
          pending.add(proxy);
        }
        waiter.total = pending.size + gone.size;
      };
      const finish = () => {
        this.#waiters.delete(waiter);
        signal.removeEventListener("abort", finish);
        const missing = [...gone, ...pending].map(({ id }) => id);
        missing.sort((a, b) => (proxyText(a) < proxyText(b) ? -1 : 1));
        resolve({ total: waiter.total, missing });
      };
      const waiter: Waiter = { revision, pending, gone, collect, total: 0, finish };
      collect();
      this.#waiters.add(waiter);
      signal.addEventListener("abort", finish);
      this.#check(waiter);
      if (signal.aborted && this.#waiters.has(waiter)) finish();
    });
  }

  /** Call when the picture advanced. Who waits since before has nothing new from that alone. */
  advanced(): void {
    for (const waiter of this.#waiters) if (waiter.collect) this.#check(waiter);
  }

  /** Call when proxies were refreshed. */
  progressed(): void {
    for (const waiter of this.#waiters) this.#check(waiter);
  }

  /** Call when a proxy acknowledged something. */
  acknowledged(proxy: PushedProxy): void {
    for (const waiter of this.#waiters) {
      if (waiter.pending.has(proxy) && this.#holds(waiter, proxy)) this.#settle(waiter, proxy);
    }
  }

  /** Call when the last subscriber of a proxy left. */
  gone(proxy: PushedProxy): void {
    for (const waiter of this.#waiters) {
      if (!waiter.pending.has(proxy)) continue;
      waiter.gone.add(proxy);
      this.#settle(waiter, proxy);
    }
  }

  #check(waiter: Waiter): void {
    if (this.#source.revision() < waiter.revision) return;
    waiter.collect?.();
    waiter.collect = undefined;
    for (const proxy of waiter.pending) if (this.#holds(waiter, proxy)) waiter.pending.delete(proxy);
    if (waiter.pending.size === 0) waiter.finish();
  }

  #holds(waiter: Waiter, proxy: PushedProxy): boolean {
    const current = this.#source.revision() >= waiter.revision && !this.#source.isPending(proxy);
    return current && proxy.holdsEndpoints(waiter.revision);
  }

  #settle(waiter: Waiter, proxy: PushedProxy): void {
    waiter.pending.delete(proxy);
    if (waiter.pending.size === 0 && this.#source.revision() >= waiter.revision) waiter.finish();
  }
}
