import { HeldAnswers } from "./held-answers.ts";
import type { Peer } from "./peer.ts";

/**
 * Tells when what was written last has left. Node hands written bytes to the kernel only after the code that wrote them
 * has returned, and reads before it runs the next piece of that code: who has a thousand connections to write to
 * keeps the first one waiting for the last, or gives way to a thousand answers in between. Who waits here goes on as soon
 * as its last write has left, within the same turn of the event loop.
 */
export class Outflow {
  /** Of those who are written to. */
  readonly answers = new HeldAnswers();
  /** Who was written to last; undefined once that has left. */
  #newest: Peer | undefined;
  #waiting: ((turned: boolean) => void) | undefined;
  #immediate: NodeJS.Immediate | undefined;
  /** Somebody is in the middle of many writes. What is read meanwhile can wait, and has to, or the last write is late. */
  flooded = false;

  /** Something was written to `peer`. `left` must be called when that is gone, which may be late or never. */
  wrote(peer: Peer): void {
    this.#newest = peer;
    this.answers.wrote(peer);
  }

  /** What was written to `peer` has left. */
  left(peer: Peer): void {
    if (peer !== this.#newest) return;
    this.#newest = undefined;
    if (this.#waiting) this.#goOn(false);
  }

  /** Something was written and has not left yet. */
  get busy(): boolean {
    return this.#newest !== undefined;
  }

  /**
   * Calls back once: when the last write has left, or (`turned`) in the next turn of the event loop, as one that nobody reads
   * may never leave. Only one can wait. Called by `left` itself, since a promise would be resolved too late.
   */
  whenLeft(then: (turned: boolean) => void): void {
    this.#waiting = then;
    // One for all that happens in this turn.
    this.#immediate ??= setImmediate(() => {
      this.#immediate = undefined;
      this.#newest = undefined;
      if (this.#waiting) this.#goOn(true);
    });
  }

  #goOn(turned: boolean): void {
    const then = this.#waiting;
    this.#waiting = undefined;
    then?.(turned);
  }
}
