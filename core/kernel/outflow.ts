/**
 * Tells when what was written last has left. Node hands written bytes to the kernel only after the code that wrote them
 * has returned, and reads before it runs the next piece of that code: who has a thousand connections to write to
 * keeps the first one waiting for the last, or gives way to a thousand answers in between. Who waits here goes on as soon
 * as its last write has left, within the same turn of the event loop.
 */
export class Outflow {
  /** Whose write was the last; undefined once it has left. */
  #newest: object | undefined;
  #waiting: ((turned: boolean) => void) | undefined;
  #immediate: NodeJS.Immediate | undefined;
  /** Somebody is in the middle of many writes. What is read meanwhile can wait, and has to, or the last write is late. */
  flooded = false;

  /** `writer` has written. It must call `left` when that is gone, and may be late or never do so. */
  wrote(writer: object): void {
    this.#newest = writer;
  }

  /** What `writer` wrote has left. */
  left(writer: object): void {
    if (writer !== this.#newest) return;
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
