import { type ProxyId, proxyText } from "../push/snapshot.ts";
import type { Lease } from "./lease.ts";

/** The streams of one proxy at this control plane. */
export interface Seat {
  readonly proxy: ProxyId;
  /** The stream that has the place. */
  current: Lease | undefined;
  /** Parked streams, newest last. */
  readonly waiting: Lease[];
  /** Runs when the place may have become free. */
  retry: Disposable | undefined;
}

/** Who sits where at this control plane, and who waits. */
export class Seats {
  readonly #seats = new Map<string, Seat>();

  get(proxy: ProxyId): Seat | undefined {
    return this.#seats.get(proxyText(proxy));
  }

  all(): Iterable<Seat> {
    return this.#seats.values();
  }

  /** Puts a stream on the place; returns the one that had it. */
  sit(lease: Lease): Lease | undefined {
    const seat = this.#open(lease.stream.proxy);
    this.#forget(seat, lease);
    const before = seat.current;
    seat.current = lease;
    return before;
  }

  wait(lease: Lease): void {
    const seat = this.#open(lease.stream.proxy);
    if (!seat.waiting.includes(lease)) seat.waiting.push(lease);
    if (seat.current === lease) seat.current = undefined;
  }

  /** Takes the stream away; returns what it was. */
  remove(lease: Lease): "current" | "waiting" | "none" {
    const seat = this.get(lease.stream.proxy);
    if (!seat) return "none";
    const role = seat.current === lease ? "current" : seat.waiting.includes(lease) ? "waiting" : "none";
    if (role === "current") seat.current = undefined;
    this.#forget(seat, lease);
    if (!seat.current && seat.waiting.length === 0) {
      seat.retry?.[Symbol.dispose]();
      this.#seats.delete(proxyText(seat.proxy));
    }
    return role;
  }

  #open(proxy: ProxyId): Seat {
    const text = proxyText(proxy);
    const seat = this.#seats.get(text) ?? { proxy, current: undefined, waiting: [], retry: undefined };
    this.#seats.set(text, seat);
    return seat;
  }

  #forget(seat: Seat, lease: Lease): void {
    const at = seat.waiting.indexOf(lease);
    if (at >= 0) seat.waiting.splice(at, 1);
  }
}
