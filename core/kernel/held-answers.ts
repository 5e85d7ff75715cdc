import { type Peer, readAgainInGroups } from "./peer.ts";

/** How many are read again in one turn of the event loop. */
const TOGETHER = 250;

/**
 * When a thousand writes take more than a turn of the event loop, the answers to the first of them come in between, and the
 * last peers would wait until these are read. So they stay where they are until all is written, and are read in groups
 * then, so that no turn is long.
 */
export class HeldAnswers {
  /** Since the writes began; undefined when none are expected. */
  #writtenTo: Peer[] | undefined;
  /** So many of these, the first ones, are left unread. */
  #unread = 0;

  /** Many writes begin. */
  begin(): void {
    this.release();
    this.#writtenTo = [];
  }

  wrote(peer: Peer): void {
    this.#writtenTo?.push(peer);
  }

  /** The turn of the event loop ends before all is written. */
  hold(): void {
    const peers = this.#writtenTo ?? [];
    // Node reads a peer again as soon as what was written to it has left: the last one of the turn before is told once more.
    for (const peer of peers.slice(Math.max(0, this.#unread - 1))) peer.leaveUnread();
    this.#unread = peers.length;
  }

  /** All is written, or has taken too long: all are read again, within a few turns. */
  release(): void {
    const unread = this.#writtenTo?.slice(0, this.#unread) ?? [];
    this.#writtenTo = undefined;
    this.#unread = 0;
    readAgainInGroups(unread, TOGETHER);
  }
}
