import type { EventLog } from "../events/event-log.ts";
import type { Clock } from "../kernel/clock.ts";
import { formatDuration } from "../kernel/duration.ts";
import { servicesOf } from "../model/dataplane/access.ts";
import type { DataplaneSpec } from "../model/dataplane/spec.ts";
import type { PresenceSpec } from "../model/dataplane-presence.ts";
import type { Resource } from "../model/resource.ts";
import type { AcknowledgedResult, Acknowledgements } from "../push/acknowledgements.ts";
import type { ProxyId } from "../push/snapshot.ts";
import type { ResourceStore } from "../store/resource-store.ts";
import type { Admissions } from "./admission.ts";
import { Losses } from "./losses.ts";
import { News } from "./news.ts";
import { Places } from "./places.ts";
import type { AbsenceObserver, HealthReport, LeaveResult, Presence, PresenceLease, ProxyStream } from "./presence.ts";
import type { PresenceIndex, RecordChange } from "./presence-index.ts";
import { type Choose, RecordChanges } from "./record-changes.ts";
import { dataplaneKey, type RecordStore } from "./record-store.ts";
import { RefusalLog } from "./refusal-log.ts";
import { hasDeparted, type Moment, saysNothingNew } from "./transition.ts";

/** Incarnations remembered after their record was deleted. */
const MOST_LEFT = 1000;

export interface PresenceCoreOptions {
  readonly store: ResourceStore;
  readonly admissions: Admissions;
  readonly records: RecordStore;
  readonly acknowledgements: Acknowledgements;
  readonly index: () => PresenceIndex;
  /** Resolves when the index includes the revision, or a second passed. */
  readonly reached: (revision: number) => Promise<unknown>;
  readonly clock: Clock;
  readonly events: EventLog;
  readonly signal: AbortSignal;
  readonly moment: () => Moment;
  readonly instance: string;
  readonly leaveTimeoutMs: number;
  readonly observer: AbsenceObserver | undefined;
}

/** What proxies, time and other control planes make happen: each call finds the event and hands it to the record. */
export class PresenceCore implements Omit<Presence, "stop"> {
  readonly #options: PresenceCoreOptions;
  readonly #news: News;
  readonly #changes: RecordChanges;
  readonly #losses: Losses;
  readonly #places: Places;
  readonly #left = new Set<string>();

  constructor(options: PresenceCoreOptions) {
    const { records, clock, events, signal, index, moment, instance, admissions, observer } = options;
    this.#options = options;
    const news = new News(events, observer);
    const changes = new RecordChanges({ records, news, clock, signal });
    const losses = new Losses({ changes, index, clock, events, moment, instance });
    const refusals = new RefusalLog(events, clock);
    this.#news = news;
    this.#changes = changes;
    this.#losses = losses;
    this.#places = new Places({ admissions, changes, losses, index, clock, news, refusals });
  }

  /** From now on the end of a stream is not a loss. */
  stop(): void {
    this.#places.stop();
    this.#changes.stop();
  }

  open(stream: ProxyStream): Promise<PresenceLease> {
    return this.#places.open(stream);
  }

  async leave(proxy: ProxyId, incarnation: string): Promise<LeaveResult> {
    const { clock, store } = this.#options;
    const started = clock.monotonic();
    const outcome = await this.#changes.change(proxy, (record) =>
      record.incarnation === incarnation ? { type: "leave" } : undefined,
    );
    const record = "record" in outcome ? outcome.record : undefined;
    if (record?.spec.incarnation !== incarnation || record.spec.state !== "leaving") return NOBODY;
    const dataplane = await store.get(dataplaneKey(proxy));
    if (!dataplane) return NOBODY;
    const { total, missing } = await this.#withdrawn(proxy, dataplane, record.revision);
    if (outcome.kind === "changed") {
      const took = formatDuration(clock.monotonic() - started);
      const names = missing.length > 0 ? `; not confirmed by ${missing.map((each) => each.name).join(", ")}` : "";
      const detail = `withdrawn from ${total - missing.length} of ${total} consumers in ${took}${names}`;
      this.#news.say(proxy, "info", "leaving", detail);
    }
    return { consumers: total, missing: missing.map((each) => each.name) };
  }

  async left(proxy: ProxyId, incarnation: string): Promise<void> {
    await this.#changes.change(proxy, (record) => (record.incarnation === incarnation ? { type: "left" } : undefined));
  }

  async report(proxy: ProxyId, incarnation: string | undefined, report: HealthReport): Promise<boolean> {
    const { sequence } = report;
    const hear = () => {
      if (incarnation === undefined || sequence === undefined) return;
      this.#places.heard(proxy, incarnation, { ...report, sequence });
    };
    // Also one that waits for its place.
    hear();
    const concerns = (record: PresenceSpec) => incarnation === undefined || record.incarnation === incarnation;
    const known = this.#options.index().record(proxy)?.spec;
    // Stock sidecars repeat themselves every few seconds, parked ones wait for hours: the store is not asked for that.
    if (!known?.open || !concerns(known)) return false;
    if (saysNothingNew(known, report)) return true;
    const outcome = await this.#changes.change(proxy, (record) => {
      // Streams that took their place while this waited for its turn.
      hear();
      return concerns(record) ? { type: "reported", ...report } : undefined;
    });
    return "record" in outcome && outcome.record.spec.open && concerns(outcome.record.spec);
  }

  /** Time may have changed the record. Resolves when the index shows what came of it. */
  elapsed(proxy: ProxyId): Promise<void> {
    return this.#changeAndReach(proxy, () => ({ type: "elapsed" }));
  }

  /** These proxies were held by a control plane that is gone, and did not come back. As above. */
  async gone(proxies: readonly ProxyId[], instance: string, lastBeat: Moment | undefined): Promise<void> {
    const { index, records } = this.#options;
    // All of them first, so that a mass loss is recognised before the first is written.
    for (const proxy of proxies) this.#losses.count(proxy);
    await Promise.all(
      proxies.map(async (proxy) => {
        if (!index().hasDataplane(proxy)) await records.discard(proxy);
        await this.#changeAndReach(proxy, (record) => {
          if (record.instance !== instance || this.#places.holds(proxy, record.epoch)) return undefined;
          const lastSeen = lastBeat ?? { wall: record.lastSeen, observed: record.lastSeenObserved };
          const reason = `not back since control plane ${instance} ended`;
          return { type: "closed", reason, lastSeen, keepEndpoints: this.#losses.isSpared(proxy) };
        });
      }),
    );
  }

  /** Whether the watch showed that the incarnation left; for a while also after its record was deleted. */
  hasLeft(incarnation: string): boolean {
    return this.#left.has(incarnation);
  }

  /** Proxies of which the record says that this instance holds them, though it does not. */
  orphans(): readonly ProxyId[] {
    const { index, instance } = this.#options;
    const held = index().openAt(instance);
    return held.filter((proxy) => !this.#places.holds(proxy, index().record(proxy)?.spec.epoch));
  }

  /** The picture of the store was made anew. */
  reviewAll(): void {
    this.#places.reviewAll();
  }

  /** The watch shows a change of a record, by us or by another control plane. */
  recordChanged(change: RecordChange): void {
    const { before, after } = change;
    this.#losses.noticed(change);
    if (before && hasDeparted(before) && before.incarnation !== after?.incarnation) this.#remember(before.incarnation);
    // With the record goes what it remembers.
    if (before && !after) for (const each of before.departed ?? []) this.#remember(each);
    this.#places.review(change);
  }

  async #withdrawn(proxy: ProxyId, dataplane: Resource, revision: number): Promise<AcknowledgedResult> {
    const { acknowledgements, clock, leaveTimeoutMs, signal } = this.#options;
    const patience = new AbortController();
    using _timer = clock.after(leaveTimeoutMs, () => patience.abort());
    return await acknowledgements.waitFor(proxy.mesh, servicesOf(dataplane.spec as DataplaneSpec), revision, {
      except: proxy,
      signal: AbortSignal.any([patience.signal, signal]),
    });
  }

  async #changeAndReach(proxy: ProxyId, choose: Choose): Promise<void> {
    const { reached, store } = this.#options;
    const outcome = await this.#changes.change(proxy, choose);
    await reached("record" in outcome ? outcome.record.revision : await store.revision());
  }

  #remember(incarnation: string): void {
    this.#left.add(incarnation);
    if (this.#left.size > MOST_LEFT) for (const oldest of this.#left) return void this.#left.delete(oldest);
  }
}

const NOBODY: LeaveResult = { consumers: 0, missing: [] };
