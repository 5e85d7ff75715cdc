import type { Clock } from "../kernel/clock.ts";
import { toMeshError } from "../kernel/errors.ts";
import type { Logger } from "../kernel/log.ts";
import { CONTROL_PLANE_HEARTBEAT, type HeartbeatSpec } from "../model/control-plane-heartbeat.ts";
import type { ResourceKey } from "../model/resource.ts";
import type { ResourceStore } from "../store/resource-store.ts";
import type { ObservedClock } from "./observed-clock.ts";

export interface HeartbeatOptions {
  readonly store: ResourceStore;
  readonly clock: Clock;
  readonly log: Logger;
  readonly observed: ObservedClock;
  readonly instance: string;
  readonly intervalMs: number;
  /** The store takes rows again after it did not. */
  readonly onBack: () => void;
}

/** A row that the store could not take is tried again after this time; milliseconds. */
const RETRY_MS = 1000;

export function heartbeatKey(instance: string): ResourceKey {
  return { type: CONTROL_PLANE_HEARTBEAT, mesh: "", name: instance };
}

/** Writes this control plane's row: the one write of an idle mesh, and the last sign of life of all its proxies. */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #started: number;
  #timer: Disposable | undefined;
  #stopped = false;
  /** Why the last row could not be written; undefined if it could. */
  #trouble: string | undefined;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#started = options.clock.now();
  }

  /** Why the last row could not be written, if it could not; those of others cannot be seen then either. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** The first row; rejects when the store cannot take it. Then one every interval. */
  async start(): Promise<void> {
    await this.#write(false);
    this.#schedule();
  }

  /** The last row. A store that cannot take it costs the others a little time, nothing else. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#timer?.[Symbol.dispose]();
    await this.#write(true).catch(() => undefined);
  }

  #schedule(ms = this.#options.intervalMs): void {
    if (this.#stopped) return;
    this.#timer?.[Symbol.dispose]();
    this.#timer = this.#options.clock.after(ms, () => void this.#beat());
  }

  async #beat(): Promise<void> {
    // Before the write: time is counted whether or not the store can take the row.
    this.#options.observed.beat();
    this.#schedule();
    try {
      await this.#write(false);
      const back = this.#trouble !== undefined;
      this.#trouble = undefined;
      if (back) this.#options.onBack();
    } catch (error) {
      this.#schedule(RETRY_MS);
      const { message } = toMeshError(error);
      if (this.#trouble === undefined && !this.#stopped) {
        this.#options.log.warn("store", `the heartbeat could not be written: ${message}`);
      }
      this.#trouble = message;
    }
  }

  async #write(stopped: boolean): Promise<void> {
    const { store, clock, observed, instance } = this.#options;
    const spec: HeartbeatSpec = { time: clock.now(), observed: observed.beat(), started: this.#started, stopped };
    await store.put({ ...heartbeatKey(instance), labels: {}, spec });
  }
}
