import type { Clock } from "./clock.ts";
import type { Peer } from "./peer.ts";
import { TurnTimer } from "./turn-timer.ts";

/**
 * Reading from newcomers ends for a turn of the event loop when it has taken so long; milliseconds. With 12 the longest turn
 * was a little longer, with 3 joining took a tenth more CPU.
 */
const READING_MS = 8;
/** Handshake, bootstrap and first message are over by then, or are so slow that they are no crowd; milliseconds. */
const NEW_MS = 2000;

/**
 * Node reads, in one turn of the event loop, every connection that has something to read. When a thousand sidecars come at
 * once, each with a handshake and a first message of 60 KB, that alone is a turn of 100 ms, however short the slices of what
 * follows are. So those who came lately are left unread for the rest of the turn when it has been enough, and are read
 * again in the next one.
 */
export class Newcomers {
  readonly #clock: Clock;
  /** When each of them came, the oldest first. */
  readonly #peers = new Map<Peer, number>();
  /** Since the first read. */
  readonly #reading: TurnTimer;
  #unread = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#reading = new TurnTimer(clock);
  }

  add(peer: Peer): void {
    this.#peers.set(peer, this.#clock.monotonic());
  }

  /** It is gone. */
  delete(peer: Peer): void {
    this.#peers.delete(peer);
  }

  /** A connection has been read from, new or not. To be called then, not by what was put off until later. */
  noteRead(): void {
    if (this.#peers.size === 0 || this.#unread) return;
    const reading = this.#reading.passed();
    if (reading === 0) this.#forgetOld();
    else if (reading >= READING_MS) this.#leaveUnread();
  }

  /** Until this turn has read everything else. */
  #leaveUnread(): void {
    this.#unread = true;
    for (const peer of this.#peers.keys()) peer.leaveUnread();
    setImmediate(() => {
      this.#unread = false;
      for (const peer of this.#peers.keys()) peer.readAgain();
    });
  }

  #forgetOld(): void {
    const now = this.#clock.monotonic();
    for (const [peer, came] of this.#peers) {
      if (now - came < NEW_MS) return;
      this.#peers.delete(peer);
    }
  }
}
