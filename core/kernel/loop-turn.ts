import type { Clock } from "./clock.ts";
import { TurnTimer } from "./turn-timer.ts";

/*
 * Longest time for one kind of work, for all of them together, and if one of them writes to many; milliseconds. What Node
 * does itself, as reading from sockets, comes on top; together it shall be about 50 ms. 28 ms of writing instead of 38
 * reach half of 1,000 proxies 10 ms later if acknowledgements of the first are read in between (held-answers.ts, docs/engine.md).
 */
const SLICE_MS = 10;
const ALL_MS = 16;
const WRITING_MS = 38;
/** So that no kind of work stands still while others use up each turn. */
const LEAST_MS = 2;

const turns = new WeakMap<Clock, LoopTurn>();

/**
 * One turn of the event loop, which all kinds of work share: handshakes, requests, acknowledgements and pushes come at the
 * same time when everybody joins, and slices of each kind would add up.
 */
export class LoopTurn {
  readonly #clock: Clock;
  /** Since somebody asked first. */
  readonly #spent: TurnTimer;
  #owed = 0;

  private constructor(clock: Clock) {
    this.#clock = clock;
    this.#spent = new TurnTimer(this);
  }

  /** A process has one event loop and one clock, so that those who share the clock share the turn. */
  static of(clock: Clock): LoopTurn {
    const turn = turns.get(clock) ?? new LoopTurn(clock);
    turns.set(clock, turn);
    return turn;
  }

  /** All that was ever owed; milliseconds. */
  get owed(): number {
    return this.#owed;
  }

  /** Milliseconds since some fixed moment, as if what is owed had been done at once. For how much of a turn work uses up. */
  monotonic(): number {
    return this.#clock.monotonic() + this.#owed;
  }

  /**
   * What is done now leaves work to Node that takes about so long, in the same turn and in nobody's share; milliseconds. It
   * counts as spent by who does it.
   */
  owes(ms: number): void {
    this.#owed += ms;
  }

  /** How long work that begins now may go on before others have their turn; milliseconds. */
  share(): number {
    return Math.max(LEAST_MS, Math.min(SLICE_MS, ALL_MS - this.#spent.passed()));
  }

  /**
   * The same for work that writes and lets it leave: meanwhile nothing is read, so that many proxies have a change before the
   * first of them acknowledges it.
   */
  writingShare(): number {
    return Math.max(SLICE_MS, WRITING_MS - this.#spent.passed());
  }
}
