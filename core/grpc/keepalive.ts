import type { Clock } from "../kernel/clock.ts";
import type { Turns } from "../kernel/turns.ts";

export interface KeepaliveOptions {
  readonly clock: Clock;
  /** For those that are lost, which may be all of them at once. */
  readonly turns: Turns;
  /** A peer that said nothing for this long is asked whether it is there; milliseconds. */
  readonly silenceMs: number;
  /** One that said nothing for this long, an answer included, is lost; milliseconds. */
  readonly lostMs: number;
}

/** A connection as the keepalive sees it. */
export interface KeptPeer {
  /** Monotonic time of its last sign of life, whatever it was. */
  heardAt: number;
  /** It has been asked since then. */
  asked: boolean;
  ask(): void;
  lost(): void;
}

/** How often all connections are looked at, and so how late a loss may be noticed; milliseconds. */
const LOOK_MS = 500;

/**
 * Notices peers that are frozen or unreachable. Whoever says anything is alive, so a sidecar that pings by itself is not
 * asked as well: with thousands of them that is half of what an idle control plane has to do. Nothing runs without
 * connections.
 */
export class Keepalive {
  readonly #options: KeepaliveOptions;
  readonly #peers = new Set<KeptPeer>();
  #timer: Disposable | undefined;

  constructor(options: KeepaliveOptions) {
    this.#options = options;
  }

  add(peer: KeptPeer): void {
    this.#peers.add(peer);
    this.#timer ??= this.#options.clock.after(LOOK_MS, () => this.#look());
  }

  remove(peer: KeptPeer): void {
    this.#peers.delete(peer);
    if (this.#peers.size > 0) return;
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
  }

  #look(): void {
    const { clock, turns, silenceMs, lostMs } = this.#options;
    this.#timer = clock.after(LOOK_MS, () => this.#look());
    const now = clock.monotonic();
    for (const peer of this.#peers) {
      const silent = now - peer.heardAt;
      if (silent < silenceMs) peer.asked = false;
      else if (silent >= lostMs) turns.take(() => peer.lost());
      else if (!peer.asked) {
        peer.asked = true;
        peer.ask();
      }
    }
  }
}
