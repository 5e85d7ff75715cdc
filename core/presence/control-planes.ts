import type { HeartbeatSpec } from "../model/control-plane-heartbeat.ts";
import type { Moment } from "./transition.ts";

interface Known {
  readonly lastBeat: Moment | undefined;
  /** Observed time by which the next sign of life must come. */
  readonly expectedBy: number;
}

/**
 * Which control planes are alive, by their heartbeats. One that was only found in the store, or never wrote a row,
 * gets the whole grace from now on: its proxies need time to come to us.
 */
export class ControlPlanes {
  readonly #known = new Map<string, Known>();
  readonly #heartbeatMs: number;
  readonly #graceMs: number;

  constructor(heartbeatMs: number, graceMs: number) {
    this.#heartbeatMs = heartbeatMs;
    this.#graceMs = graceMs;
  }

  /** A row that was there when this control plane started. */
  found(instance: string, row: HeartbeatSpec, now: number): void {
    this.#known.set(instance, { lastBeat: momentOf(row), expectedBy: now });
  }

  /** A row that was written while this control plane watched. */
  heard(instance: string, row: HeartbeatSpec, now: number): void {
    const expectedBy = row.stopped ? now : now + this.#heartbeatMs;
    this.#known.set(instance, { lastBeat: momentOf(row), expectedBy });
  }

  /** Nobody could be heard for a while: everybody gets a whole interval and the grace from now on. */
  excuse(now: number): void {
    for (const [instance, { lastBeat }] of this.#known) {
      this.#known.set(instance, { lastBeat, expectedBy: now + this.#heartbeatMs });
    }
  }

  /** Observed time from which the instance counts as gone. */
  goneAt(instance: string, now: number): number {
    return this.#get(instance, now).expectedBy + this.#graceMs;
  }

  /** Last sign of life of the instance, hence of every proxy whose stream it held. */
  lastBeat(instance: string): Moment | undefined {
    return this.#known.get(instance)?.lastBeat;
  }

  /** Instances whose rows can be removed once no record names them. */
  gone(now: number): string[] {
    return [...this.#known]
      .filter(([, known]) => known.expectedBy + this.#graceMs <= now)
      .map(([instance]) => instance);
  }

  /** Observed time at which the next of them, other than `own`, counts as gone; infinite if there is none. */
  nextGone(own: string): number {
    const others = [...this.#known].filter(([instance]) => instance !== own);
    return Math.min(Number.POSITIVE_INFINITY, ...others.map(([, known]) => known.expectedBy + this.#graceMs));
  }

  remove(instance: string): void {
    this.#known.delete(instance);
  }

  #get(instance: string, now: number): Known {
    const known = this.#known.get(instance) ?? { lastBeat: undefined, expectedBy: now };
    this.#known.set(instance, known);
    return known;
  }
}

function momentOf(row: HeartbeatSpec): Moment {
  return { wall: row.time, observed: row.observed };
}
