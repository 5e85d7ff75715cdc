import type { Clock } from "../kernel/clock.ts";
import type { ProxyId } from "../push/snapshot.ts";
import type { ControlPlanes } from "./control-planes.ts";
import type { ObservedClock } from "./observed-clock.ts";
import type { PresenceIndex } from "./presence-index.ts";
import { deadlineOf, type Moment, type PresenceRules } from "./transition.ts";

/** The timer is set anew at least this often, since timers cannot be set for arbitrarily long; milliseconds. */
const LONGEST_WAIT_MS = 3_600_000;
/** Between two sweeps, and after one that failed; milliseconds. */
const BREATH_MS = 100;
const RETRY_MS = 5000;

export interface SweeperOptions {
  readonly clock: Clock;
  readonly observed: ObservedClock;
  readonly controlPlanes: ControlPlanes;
  readonly index: () => PresenceIndex;
  readonly rules: PresenceRules;
  readonly instance: string;
  /** Observed time from which streams of an earlier life under the same instance id count as ended. */
  readonly ownGoneAt: number;
  /** Whether this control plane looks after the records of all; else it only does for its own. */
  readonly responsible: () => boolean;
  /** Proxies that the record says this instance holds, though it does not. */
  readonly orphans: () => readonly ProxyId[];
  /** Time may have changed this record. Resolves when the index shows what came of it. */
  readonly onDue: (proxy: ProxyId) => Promise<void>;
  /** The control plane that held these streams is gone. As above. */
  readonly onGone: (proxies: readonly ProxyId[], instance: string, lastBeat: Moment | undefined) => Promise<void>;
  /** No record names this gone control plane any more. */
  readonly onForgotten: (instance: string) => void;
}

/** Makes time pass for records: one timer for the next deadline of all of them, none when nothing is due. */
export class Sweeper {
  readonly #options: SweeperOptions;
  #timer: Disposable | undefined;
  #next = Number.POSITIVE_INFINITY;
  #sweeping = false;
  #stopped = false;
  #ownOrphansDone = false;

  constructor(options: SweeperOptions) {
    this.#options = options;
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.[Symbol.dispose]();
  }

  /** Looks at everything again. */
  restart(): void {
    this.#arm(Number.NEGATIVE_INFINITY);
  }

  /** The observed clock jumped forward: what is next comes sooner. */
  hurry(): void {
    const next = this.#next;
    this.#next = Number.POSITIVE_INFINITY;
    this.#arm(next);
  }

  /** A record changed. */
  consider(proxy: ProxyId): void {
    const record = this.#options.index().record(proxy);
    if (!record) return;
    const { instance, open } = record.spec;
    const own = open && instance === this.#options.instance;
    if (!own && !this.#options.responsible()) return;
    const due = open ? this.#goneAt(instance) : deadlineOf(record.spec, this.#options.rules);
    if (due !== undefined) this.#arm(due);
  }

  #goneAt(instance: string): number | undefined {
    const { controlPlanes, observed, instance: own, ownGoneAt } = this.#options;
    if (instance !== own) return controlPlanes.goneAt(instance, observed.now());
    return this.#ownOrphansDone ? undefined : ownGoneAt;
  }

  #arm(due: number): void {
    if (this.#stopped || this.#sweeping || due >= this.#next) return;
    this.#timer?.[Symbol.dispose]();
    this.#next = due;
    if (due === Number.POSITIVE_INFINITY) return;
    const { clock, observed } = this.#options;
    const wait = Math.min(Math.max(due - observed.now(), 0), LONGEST_WAIT_MS);
    this.#timer = clock.after(wait, () => void this.#sweep());
  }

  async #sweep(): Promise<void> {
    this.#sweeping = true;
    let next: number;
    try {
      await this.#run();
      next = this.#nextDeadline();
    } catch {
      next = this.#options.observed.now() + RETRY_MS;
    }
    this.#sweeping = false;
    this.#next = Number.POSITIVE_INFINITY;
    // Still due: the store or its watch is behind. Trying again at once would only burn time.
    this.#arm(Math.max(next, this.#options.observed.now() + BREATH_MS));
  }

  async #run(): Promise<void> {
    const { observed, controlPlanes, instance: own, ownGoneAt } = this.#options;
    const now = observed.now();
    if (this.#options.responsible()) await this.#runForAll(now);
    if (!this.#ownOrphansDone && ownGoneAt <= now) {
      await this.#options.onGone(this.#options.orphans(), own, controlPlanes.lastBeat(own));
      this.#ownOrphansDone = true;
    }
  }

  async #runForAll(now: number): Promise<void> {
    const { index, rules, controlPlanes, instance: own } = this.#options;
    for (const instance of [...index().instances()]) {
      if (instance === own || controlPlanes.goneAt(instance, now) > now) continue;
      await this.#options.onGone(index().openAt(instance), instance, controlPlanes.lastBeat(instance));
    }
    const due = [...index().absent()].filter((proxy) => {
      const record = index().record(proxy);
      return record && (deadlineOf(record.spec, rules) ?? Number.POSITIVE_INFINITY) <= now;
    });
    await Promise.all(due.map((proxy) => this.#options.onDue(proxy)));
    const named = new Set(index().instances());
    for (const instance of controlPlanes.gone(now)) {
      if (instance !== own && !named.has(instance)) this.#options.onForgotten(instance);
    }
  }

  #nextDeadline(): number {
    const { index, rules } = this.#options;
    let next = this.#ownOrphansDone ? Number.POSITIVE_INFINITY : this.#options.ownGoneAt;
    // Who becomes responsible is told to look at everything again.
    if (!this.#options.responsible()) return next;
    next = Math.min(next, this.#options.controlPlanes.nextGone(this.#options.instance));
    for (const instance of index().instances()) next = Math.min(next, this.#goneAt(instance) ?? next);
    for (const proxy of index().absent()) {
      const record = index().record(proxy);
      if (record) next = Math.min(next, deadlineOf(record.spec, rules) ?? next);
    }
    return next;
  }
}
