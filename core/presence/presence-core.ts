import type { Clock } from "../kernel/clock.ts";
import { formatDuration } from "../kernel/duration.ts";
import { isAbortError, MeshError, toMeshError } from "../kernel/errors.ts";
import type { Logger } from "../kernel/log.ts";
import { servicesOf } from "../model/dataplane/access.ts";
import type { DataplaneSpec } from "../model/dataplane/spec.ts";
import type { PresenceSpec } from "../model/dataplane-presence.ts";
import type { Resource } from "../model/resource.ts";
import type { AcknowledgedResult, Acknowledgements } from "../push/acknowledgements.ts";
import { type ProxyId, proxyText } from "../push/snapshot.ts";
import type { ResourceStore } from "../store/resource-store.ts";
import type { Admissions } from "./admission.ts";
import { eventText, hostOf, newsOf } from "./event-text.ts";
import { KeyedQueue } from "./keyed-queue.ts";
import { Lease } from "./lease.ts";
import type { MassLossGuard } from "./mass-loss.ts";
import type { AbsenceObserver, HealthReport, LeaveResult, Presence, PresenceLease, ProxyStream } from "./presence.ts";
import type { PresenceIndex, RecordChange } from "./presence-index.ts";
import { dataplaneKey, hasCode, type Outcome, type RecordStore } from "./record-store.ts";
import { RefusalLog } from "./refusal-log.ts";
import { type Seat, Seats } from "./seats.ts";
import { hasDeparted, type Moment, type PresenceEvent, placeFor } from "./transition.ts";

/**
 * A parked stream waits this long after the holder was lost: one whose connection broke is back within a second, and
 * the parked one may be the half-open remains of a dead process. Milliseconds.
 */
const FREE_AFTER_LOSS_MS = 2000;
/** Between two tries of a write that the store could not take; milliseconds. */
const STORE_RETRY_MS = 1000;
/** Incarnations remembered after their record was deleted. */
const MOST_LEFT = 1000;

export interface PresenceCoreOptions {
  readonly store: ResourceStore;
  readonly admissions: Admissions;
  readonly records: RecordStore;
  readonly acknowledgements: Acknowledgements;
  readonly index: () => PresenceIndex;
  /** Resolves when the index includes the revision, or a second passed. */
  readonly reached: (revision: number) => Promise<void>;
  readonly guard: MassLossGuard;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly moment: () => Moment;
  readonly instance: string;
  readonly leaveTimeoutMs: number;
  readonly observer: AbsenceObserver | undefined;
}

/** The streams of this control plane and what happens to their records. */
export class PresenceCore implements Omit<Presence, "stop"> {
  readonly #options: PresenceCoreOptions;
  readonly #queue = new KeyedQueue();
  readonly #seats = new Seats();
  readonly #left = new Set<string>();
  readonly #refusals: RefusalLog;
  #stopped = false;

  constructor(options: PresenceCoreOptions) {
    this.#options = options;
    this.#refusals = new RefusalLog(options.log, options.clock);
  }

  /** From now on the end of a stream is not a loss. */
  stop(): void {
    this.#stopped = true;
    for (const seat of this.#seats.all()) seat.retry?.[Symbol.dispose]();
  }

  async open(stream: ProxyStream): Promise<PresenceLease> {
    if (this.#stopped) throw new MeshError("MM503", "the control plane is stopping");
    const lease = new Lease(stream, (ended, reason) => this.#ended(ended, reason));
    try {
      await this.#queue.run(proxyText(stream.proxy), () => this.#take(lease));
      await lease.admitted;
      return lease;
    } catch (error) {
      if (lease.ended === undefined) this.#refusals.refused(stream, toMeshError(error));
      lease.close("refused");
      throw error;
    }
  }

  async leave(proxy: ProxyId, incarnation: string): Promise<LeaveResult> {
    const { clock, records } = this.#options;
    const started = clock.monotonic();
    const outcome = await this.#queue.run(proxyText(proxy), () =>
      records.change(proxy, (record) => (record.incarnation === incarnation ? { type: "leave" } : undefined)),
    );
    const record = "record" in outcome ? outcome.record : undefined;
    if (record?.spec.incarnation !== incarnation || record.spec.state !== "leaving") return NOBODY;
    const dataplane = await this.#options.store.get(dataplaneKey(proxy));
    if (!dataplane) return NOBODY;
    const { total, missing } = await this.#withdrawn(proxy, dataplane, record.revision);
    if (outcome.kind === "changed") {
      const took = formatDuration(clock.monotonic() - started);
      const names = missing.length > 0 ? `; not confirmed by ${missing.map((each) => each.name).join(", ")}` : "";
      this.#say(
        proxy,
        "info",
        "leaving",
        `withdrawn from ${total - missing.length} of ${total} consumers in ${took}${names}`,
      );
    }
    return { consumers: total, missing: missing.map((each) => each.name) };
  }

  async left(proxy: ProxyId, incarnation: string): Promise<void> {
    const { records } = this.#options;
    const outcome = await this.#queue.run(proxyText(proxy), () =>
      records.change(proxy, (record) => (record.incarnation === incarnation ? { type: "left" } : undefined)),
    );
    this.#tell(proxy, outcome);
  }

  async report(proxy: ProxyId, incarnation: string | undefined, report: HealthReport): Promise<void> {
    const event: PresenceEvent = { type: "reported", ...report };
    const outcome = await this.#queue.run(proxyText(proxy), () =>
      this.#options.records.change(proxy, (record) =>
        incarnation === undefined || record.incarnation === incarnation ? event : undefined,
      ),
    );
    this.#tell(proxy, outcome);
  }

  /** Time may have changed the record. Resolves when the index shows what came of it. */
  async elapsed(proxy: ProxyId): Promise<void> {
    await this.#changeAndReach(proxy, () => ({ type: "elapsed" }));
  }

  /** These proxies were held by a control plane that is gone, and did not come back. */
  async gone(proxies: readonly ProxyId[], instance: string, lastBeat: Moment | undefined): Promise<void> {
    const { guard, clock, index, records } = this.#options;
    for (const proxy of proxies) {
      if (index().record(proxy)?.spec.state === "connected") {
        this.#spare(proxy, guard.lost(proxy.mesh, proxy.name, clock.monotonic(), index().connected(proxy.mesh)));
      }
    }
    await Promise.all(
      proxies.map(async (proxy) => {
        if (!index().hasDataplane(proxy)) await records.discard(proxy);
        await this.#changeAndReach(proxy, (record) => {
          if (record.instance !== instance || this.#seats.get(proxy)?.current?.epoch === record.epoch) return undefined;
          const lastSeen = lastBeat ?? { wall: record.lastSeen, observed: record.lastSeenObserved };
          const reason = `not back since control plane ${instance} ended`;
          return { type: "closed", reason, lastSeen, keepEndpoints: guard.isSpared(proxy.mesh, proxy.name) };
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
    return index()
      .openAt(instance)
      .filter((proxy) => this.#seats.get(proxy)?.current?.epoch !== index().record(proxy)?.spec.epoch);
  }

  /** The picture of the store was made anew: look whether what we hold is still ours. */
  reviewAll(): void {
    for (const seat of [...this.#seats.all()]) {
      const after = this.#options.index().record(seat.proxy)?.spec;
      this.recordChanged({ proxy: seat.proxy, before: undefined, after });
    }
  }

  /** The watch shows a change of a record, by us or by another control plane. */
  recordChanged({ proxy, before, after }: RecordChange): void {
    const { guard, clock, index, instance } = this.#options;
    if (after && after.instance !== instance && before?.state === "connected" && after.state === "lost") {
      this.#spare(proxy, guard.lost(proxy.mesh, proxy.name, clock.monotonic(), index().connected(proxy.mesh)));
    }
    if (!after || (after.state === "connected" && before?.state !== "connected")) guard.settled(proxy.mesh, proxy.name);
    if (before && hasDeparted(before) && before.incarnation !== after?.incarnation) this.#remember(before.incarnation);
    // With the record goes what it remembers.
    if (before && !after) for (const each of before.departed ?? []) this.#remember(each);
    const seat = this.#seats.get(proxy);
    if (!seat) return;
    if (after) this.#reviewHolder(seat, after);
    else this.#recordDeleted(seat, before);
    this.#offer(seat, after);
  }

  #reviewHolder(seat: Seat, record: PresenceSpec): void {
    const lease = seat.current;
    if (!lease || record.epoch < lease.epoch) return;
    if (record.epoch === lease.epoch) {
      if (record.state === "left") this.#dismiss(lease);
      return;
    }
    // Another control plane gave the place to another stream.
    if (record.incarnation === lease.stream.incarnation) {
      this.#seats.remove(lease);
      lease.end("a newer stream of the same sidecar has its place");
    } else this.#park(lease, record);
  }

  #recordDeleted(seat: Seat, before: PresenceSpec | undefined): void {
    const lease = seat.current;
    if (!lease || (before && before.epoch < lease.epoch)) return;
    if (before && hasDeparted(before)) {
      this.#dismiss(lease);
      return;
    }
    this.#seats.remove(lease);
    lease.end(`Dataplane "${seat.proxy.name}" was deleted; the sidecar has to join again`);
  }

  /** The sidecar has left. Its stream is not ended from here, since its Envoy would only come back. */
  #dismiss(lease: Lease): void {
    this.#seats.remove(lease);
    lease.park();
  }

  /** Gives a place that became free to the newest stream that waits for it. */
  #offer(seat: Seat, record: PresenceSpec | undefined): void {
    const lease = seat.waiting.at(-1);
    if (!lease || seat.current || placeFor(record, lease.stream.incarnation) === "park") return;
    const wait = record?.state === "lost" || record?.state === "offline" ? FREE_AFTER_LOSS_MS : 0;
    this.#retry(seat, wait);
  }

  #retry(seat: Seat, wait: number): void {
    seat.retry?.[Symbol.dispose]();
    if (this.#stopped) return;
    seat.retry = this.#options.clock.after(wait, () => {
      const lease = seat.waiting.at(-1);
      if (lease && !seat.current) void this.#takeAgain(seat, lease);
    });
  }

  async #takeAgain(seat: Seat, lease: Lease): Promise<void> {
    try {
      await this.#queue.run(proxyText(seat.proxy), () => this.#take(lease));
    } catch (error) {
      if (lease.ended !== undefined) return;
      if (hasCode(error, "MM503", "MM500")) return this.#retry(seat, FREE_AFTER_LOSS_MS);
      const refusal = toMeshError(error);
      this.#refusals.refused(lease.stream, refusal);
      this.#seats.remove(lease);
      lease.end(refusal.message);
      if (seat.waiting.length > 0) this.#retry(seat, 0);
    }
  }

  async #take(lease: Lease): Promise<void> {
    const { stream } = lease;
    const { proxy } = stream;
    if (stream.signal.aborted || lease.ended !== undefined) throw new MeshError("MM700", "the stream ended");
    const admitted = await this.#options.admissions.take(stream);
    if (admitted.kind === "parked") {
      if (lease.ended !== undefined) return;
      this.#park(lease, admitted.holder);
      // The holder may have ended meanwhile, and the watch has told so already.
      const seat = this.#seats.get(proxy);
      if (seat) this.#offer(seat, this.#options.index().record(proxy)?.spec);
      return;
    }
    this.#options.guard.settled(proxy.mesh, proxy.name);
    lease.activate(admitted.dataplane, admitted.epoch);
    const older = this.#seats.sit(lease);
    if (older && older.stream.incarnation === stream.incarnation) {
      older.end("a newer stream of the same sidecar has its place");
    } else if (older) {
      this.#park(older, admitted.record);
    }
    const { before, record, dataplane } = admitted;
    this.#tellNews(proxy, before, record, dataplane);
    // The stream ended while its place was made ready: nobody else will notice.
    if (lease.ended !== undefined) {
      this.#seats.remove(lease);
      this.#lose(lease, lease.ended);
    }
  }

  #park(lease: Lease, holder: PresenceSpec): void {
    if (holder.departed?.includes(lease.stream.incarnation)) {
      this.#dismiss(lease);
      return;
    }
    lease.park();
    this.#seats.wait(lease);
    const { proxy, peer } = lease.stream;
    // On one host it is a sidecar that was restarted, or reconnected, before its older stream was known to be dead.
    if (hostOf(peer) === hostOf(holder.peer)) return;
    this.#refusals.once(
      proxy,
      "twice",
      `the sidecar at ${peer} waits: another of the same name, at ${holder.peer}, has the place`,
    );
    this.#setRival(proxy, peer);
  }

  #ended(lease: Lease, reason: string): void {
    const role = this.#seats.remove(lease);
    if (role === "current") this.#lose(lease, reason);
    const { proxy } = lease.stream;
    if (role === "waiting" && !this.#seats.get(proxy)?.waiting.length) this.#setRival(proxy, undefined);
  }

  #setRival(proxy: ProxyId, peer: string | undefined): void {
    if (this.#stopped) return;
    void this.#persist(proxy, async () => {
      await this.#options.records.change(proxy, () => ({ type: "rival", peer }));
    });
  }

  #lose(lease: Lease, reason: string): void {
    if (this.#stopped) return;
    const { guard, clock, index, moment, records } = this.#options;
    const { proxy } = lease.stream;
    if (index().record(proxy)?.spec.state === "connected") {
      this.#spare(proxy, guard.lost(proxy.mesh, proxy.name, clock.monotonic(), index().connected(proxy.mesh)));
    }
    const lastSeen = moment();
    void this.#persist(proxy, async () => {
      const keepEndpoints = guard.isSpared(proxy.mesh, proxy.name);
      const outcome = await records.change(proxy, (record) =>
        record.epoch === lease.epoch ? { type: "closed", reason, lastSeen, keepEndpoints } : undefined,
      );
      this.#tell(proxy, outcome);
    });
  }

  /** Losses that were recorded before the mass loss was recognised get their endpoints back. */
  #spare(proxy: ProxyId, verdict: { readonly alsoSpared: readonly string[] }): void {
    const { mesh } = proxy;
    if (verdict.alsoSpared.length > 0) {
      const count = verdict.alsoSpared.length + 1;
      const text = `mesh ${mesh}: ${count} proxies and more than half of it were lost within 5 s; their endpoints stay in use`;
      this.#options.log.warn("mass-loss", text, { mesh, lost: count });
    }
    for (const name of verdict.alsoSpared) {
      const other = { mesh, name };
      void this.#persist(other, async () => {
        await this.#options.records.change(other, () => ({ type: "spared" }));
      });
    }
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

  async #changeAndReach(proxy: ProxyId, choose: (record: PresenceSpec) => PresenceEvent | undefined): Promise<void> {
    const { records, reached, store } = this.#options;
    const outcome = await this.#queue.run(proxyText(proxy), () => records.change(proxy, choose));
    this.#tell(proxy, outcome);
    await reached("record" in outcome ? outcome.record.revision : await store.revision());
  }

  /** Repeats a write that must happen until the store takes it, or the control plane stops. */
  async #persist(proxy: ProxyId, write: () => Promise<void>): Promise<void> {
    const { clock, log, signal } = this.#options;
    await this.#queue.run(proxyText(proxy), async () => {
      for (let tries = 1; !signal.aborted && !this.#stopped; tries++) {
        try {
          return await write();
        } catch (error) {
          if (tries === 1) {
            log.error(
              "store",
              eventText(proxy, "store", `its loss is not recorded yet: ${toMeshError(error).message}`),
            );
          }
          await clock.sleep(STORE_RETRY_MS, signal).catch((aborted: unknown) => {
            if (!isAbortError(aborted)) throw aborted;
          });
        }
      }
    });
  }

  #tell(proxy: ProxyId, outcome: Outcome): void {
    if (outcome.kind === "changed") this.#tellNews(proxy, outcome.before, outcome.record.spec, undefined);
    if (outcome.kind !== "deleted") return;
    const { before, after } = outcome;
    if (after !== before) this.#tellNews(proxy, before, after, undefined);
    else this.#tellNews(proxy, before, "delete", undefined);
  }

  #tellNews(
    proxy: ProxyId,
    before: PresenceSpec | undefined,
    after: PresenceSpec | "delete",
    dataplane: Resource | undefined,
  ): void {
    const news = newsOf(before, after, dataplane?.spec as DataplaneSpec | undefined);
    if (news) this.#say(proxy, news.level, news.word, news.detail);
    if (after !== "delete" && (after.state === "offline" || after.state === "left") && before?.state !== after.state) {
      this.#options.observer?.absent(proxy, after.lastSeen);
    }
  }

  #say(proxy: ProxyId, level: "info" | "warn" | "debug" | "error", word: string, detail: string): void {
    const { mesh, name } = proxy;
    this.#options.log.log(level, word, eventText(proxy, word, detail), { mesh, dataplane: name });
  }

  #remember(incarnation: string): void {
    this.#left.add(incarnation);
    if (this.#left.size > MOST_LEFT) for (const oldest of this.#left) return void this.#left.delete(oldest);
  }
}

const NOBODY: LeaveResult = { consumers: 0, missing: [] };
