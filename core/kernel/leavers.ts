import type { Clock } from "./clock.ts";
import { type Peer, readAgainInGroups } from "./peer.ts";
import { TurnTimer } from "./turn-timer.ts";

/** Noticing ends is enough for a turn of the event loop when it has taken so long; milliseconds. */
const ENDING_MS = 8;
/** How many are then read again in each turn: should all of them be gone too, that takes about as long. */
const TOGETHER = 40;

/**
 * When a switch fails or a host dies, a thousand connections end at the same moment, and Node takes them all apart in one
 * turn of the event loop, for a quarter of a second. Nobody knows which connections are about to end until they are read, so
 * once it has been enough all of them are left unread and are read again in groups.
 */
export class Leavers {
  readonly #peers = new Set<Peer>();
  /** Since the first end. */
  readonly #ending: TurnTimer;
  #unread = false;

  constructor(clock: Clock) {
    this.#ending = new TurnTimer(clock);
  }

  add(peer: Peer): void {
    this.#peers.add(peer);
  }

  delete(peer: Peer): void {
    this.#peers.delete(peer);
  }

  /** A connection has ended; to be called when that was read. */
  noteEnd(): void {
    if (!this.#unread && this.#ending.passed() >= ENDING_MS) this.#leaveUnread();
  }

  #leaveUnread(): void {
    this.#unread = true;
    const peers = [...this.#peers];
    for (const peer of peers) peer.leaveUnread();
    setImmediate(() =>
      readAgainInGroups(peers, TOGETHER, () => {
        this.#unread = false;
      }),
    );
  }
}
