import type { EventLog } from "../events/event-log.ts";
import type { Clock } from "../kernel/clock.ts";
import type { ProxyId } from "../push/snapshot.ts";
import { MassLossGuard } from "./mass-loss.ts";
import type { PresenceIndex, RecordChange } from "./presence-index.ts";
import type { RecordChanges } from "./record-changes.ts";
import type { Moment } from "./transition.ts";

export interface LossesOptions {
  readonly changes: RecordChanges;
  readonly index: () => PresenceIndex;
  readonly clock: Clock;
  readonly events: EventLog;
  readonly moment: () => Moment;
  readonly instance: string;
}

/** Streams that ended without a word, and whether so many did that the proxies are probably fine. */
export class Losses {
  readonly #options: LossesOptions;
  readonly #guard = new MassLossGuard();

  constructor(options: LossesOptions) {
    this.#options = options;
  }

  /**
   * A stream of this control plane ended; written in the background. `epoch` is the one at which it had its place; `own`:
   * only if the record says that it was here.
   */
  lose(proxy: ProxyId, epoch: number, reason: string, own = false): void {
    const { moment, instance } = this.#options;
    const lastSeen = moment();
    this.count(proxy);
    void this.#options.changes.persist(proxy, (record) =>
      record.epoch === epoch && (!own || record.instance === instance)
        ? { type: "closed", reason, lastSeen, keepEndpoints: this.isSpared(proxy) }
        : undefined,
    );
  }

  /** Counts the loss of a proxy, if it was connected. */
  count(proxy: ProxyId): void {
    if (this.#options.index().record(proxy)?.spec.state === "connected") this.#count(proxy);
  }

  isSpared(proxy: ProxyId): boolean {
    return this.#guard.isSpared(proxy.mesh, proxy.name);
  }

  /** The proxy is back, or gone for good. */
  settled(proxy: ProxyId): void {
    this.#guard.settled(proxy.mesh, proxy.name);
  }

  /** The watch shows a change; what other control planes lost counts too. */
  noticed({ proxy, before, after }: RecordChange): void {
    const ours = after?.instance === this.#options.instance;
    if (after && !ours && before?.state === "connected" && after.state === "lost") this.#count(proxy);
    if (!after || (after.state === "connected" && before?.state !== "connected")) this.settled(proxy);
  }

  /** Losses that were recorded before the mass loss was recognised get their endpoints back. */
  #count(proxy: ProxyId): void {
    const { index, clock, events, changes } = this.#options;
    const { mesh, name } = proxy;
    const { alsoSpared } = this.#guard.lost(mesh, name, clock.monotonic(), index().connected(mesh));
    if (alsoSpared.length === 0) return;
    const lost = alsoSpared.length + 1;
    const detail = `${lost} proxies and more than half of it were lost within 5 s; their endpoints stay in use`;
    events.tell({ kind: "mass-loss", level: "warn", mesh, type: "", name: "", detail });
    for (const each of [name, ...alsoSpared]) void changes.persist({ mesh, name: each }, () => ({ type: "spared" }));
  }
}
