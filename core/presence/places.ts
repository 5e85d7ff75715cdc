import type { Clock } from "../kernel/clock.ts";
import { MeshError, toMeshError } from "../kernel/errors.ts";
import type { SidecarHealth } from "../model/dataplane/sidecar-health.ts";
import type { PresenceSpec } from "../model/dataplane-presence.ts";
import type { ProxyId } from "../push/snapshot.ts";
import type { Admissions } from "./admission.ts";
import { Lease } from "./lease.ts";
import type { Losses } from "./losses.ts";
import type { News } from "./news.ts";
import { hostOf } from "./news-text.ts";
import type { PresenceLease, ProxyStream } from "./presence.ts";
import type { PresenceIndex, RecordChange } from "./presence-index.ts";
import type { RecordChanges } from "./record-changes.ts";
import { hasCode } from "./record-store.ts";
import type { RefusalLog } from "./refusal-log.ts";
import { Rivals } from "./rivals.ts";
import { type Seat, Seats } from "./seats.ts";
import { hasDeparted, placeFor } from "./transition.ts";
import { Unrecorded } from "./unrecorded.ts";

/**
 * A parked stream waits this long after the holder was lost: one whose connection broke is back within a second, and
 * the parked one may be the half-open remains of a dead process. Milliseconds.
 */
const FREE_AFTER_LOSS_MS = 2000;

export interface PlacesOptions {
  readonly admissions: Admissions;
  readonly changes: RecordChanges;
  readonly losses: Losses;
  readonly index: () => PresenceIndex;
  readonly clock: Clock;
  readonly news: News;
  readonly refusals: RefusalLog;
}

/** The streams of this control plane: which has the place of its proxy, which wait for it, and when that changes. */
export class Places {
  readonly #options: PlacesOptions;
  readonly #seats = new Seats();
  readonly #unrecorded: Unrecorded;
  readonly #rivals: Rivals;
  #stopped = false;

  constructor(options: PlacesOptions) {
    this.#options = options;
    this.#rivals = new Rivals(options.changes);
    this.#unrecorded = new Unrecorded(options.clock, (lease) => this.#settle(lease));
  }

  /** From now on the end of a stream is not a loss. */
  stop(): void {
    this.#stopped = true;
    for (const seat of this.#seats.all()) seat.retry?.[Symbol.dispose]();
    this.#unrecorded.stop();
  }

  async open(stream: ProxyStream): Promise<PresenceLease> {
    if (this.#stopped) throw new MeshError("MM503", "the control plane is stopping");
    const lease = new Lease(stream, (ended, reason) => this.#ended(ended, reason));
    try {
      await this.#options.changes.run(stream.proxy, () =>
        this.#take(lease).catch((error) => this.#takeUnrecorded(lease, error)),
      );
      await lease.admitted;
      return lease;
    } catch (error) {
      if (lease.ended === undefined) this.#options.refusals.refused(stream, toMeshError(error));
      lease.close("refused");
      throw error;
    }
  }

  /** A sidecar reports: one that waits will have the place with what it said last, not with what it said when it came. */
  heard(proxy: ProxyId, incarnation: string, health: SidecarHealth): void {
    const seat = this.#seats.get(proxy);
    for (const lease of [seat?.current, ...(seat?.waiting ?? [])]) {
      if (lease?.stream.incarnation === incarnation) lease.heard(health);
    }
  }

  /** Whether a stream of this control plane has the place that was taken at this epoch. */
  holds(proxy: ProxyId, epoch: number | undefined): boolean {
    return epoch !== undefined && this.#seats.get(proxy)?.current?.epoch === epoch;
  }

  /** The picture of the store was made anew: look whether what we hold is still ours. */
  reviewAll(): void {
    for (const { proxy } of [...this.#seats.all()]) {
      this.review({ proxy, before: undefined, after: this.#options.index().record(proxy)?.spec });
    }
  }

  /** The watch shows a change of a record, by us or by another control plane. */
  review({ proxy, before, after }: RecordChange): void {
    const seat = this.#seats.get(proxy);
    if (!seat) return;
    if (after) {
      this.#hearRecord(proxy, after);
      this.#reviewHolder(seat, after);
    } else this.#recordDeleted(seat, before);
    this.#offer(seat, after);
  }

  /** Its sidecar may report at another control plane than the one that its stream is at. */
  #hearRecord(proxy: ProxyId, record: PresenceSpec): void {
    const health = healthIn(record);
    if (health) this.heard(proxy, record.incarnation, health);
  }

  #reviewHolder(seat: Seat, record: PresenceSpec): void {
    const lease = seat.current;
    if (!lease || record.epoch < lease.epoch || this.#unrecorded.isSettling(lease)) return;
    if (record.epoch === lease.epoch) {
      if (record.state === "left" && isAbout(record, lease)) this.#dismiss(lease);
      return;
    }
    // Another control plane gave the place to another stream.
    this.#displace(lease, record);
  }

  #recordDeleted(seat: Seat, before: PresenceSpec | undefined): void {
    const lease = seat.current;
    if (!lease || (before && before.epoch < lease.epoch) || this.#unrecorded.isSettling(lease)) return;
    if (before && hasDeparted(before)) {
      if (isAbout(before, lease)) this.#dismiss(lease);
      return;
    }
    this.#seats.remove(lease);
    lease.end(`Dataplane "${seat.proxy.name}" was deleted; the sidecar has to join again`);
  }

  async #take(lease: Lease): Promise<void> {
    const { stream } = lease;
    const { proxy } = stream;
    if (stream.signal.aborted || lease.ended !== undefined) throw new MeshError("MM700", "the stream ended");
    const admitted = await this.#options.admissions.take(lease);
    if (admitted.kind === "parked") {
      if (lease.ended !== undefined) return;
      this.#park(lease, admitted.holder);
      // The holder may have ended meanwhile, and the watch has told so already.
      this.#offerAgain(proxy);
      return;
    }
    const { before, record, dataplane, epoch, shown } = admitted;
    this.#options.losses.settled(proxy);
    lease.activate(dataplane, epoch);
    this.#unrecorded.delete(lease);
    const older = this.#seats.sit(lease);
    if (older && older !== lease) this.#displace(older, record);
    this.#options.news.changed(proxy, before, record, dataplane);
    // The stream ended while its place was made ready: nobody else will notice.
    if (lease.ended !== undefined) {
      this.#seats.remove(lease);
      this.#lose(lease, lease.ended);
      return;
    }
    // What the watch told since the record was written, it told when nobody sat here yet.
    if (shown) this.review({ proxy, before: record, after: this.#options.index().record(proxy)?.spec });
  }

  /**
   * The store takes no writes now. A proxy that is known gets its place and its configuration all the same; as soon as
   * the store is back the place is taken in earnest, and whoever was faster keeps it.
   */
  async #takeUnrecorded(lease: Lease, error: unknown): Promise<void> {
    if (!hasCode(error, "MM503") || this.#stopped) throw error;
    const readmitted = await this.#options.admissions.readmit(lease);
    if (!readmitted || lease.ended !== undefined) throw error;
    const { dataplane, record } = readmitted;
    lease.activate(dataplane, record.epoch);
    const older = this.#seats.sit(lease);
    if (older) this.#displace(older, record);
    this.#unrecorded.add(lease);
  }

  async #settle(lease: Lease): Promise<void> {
    const { proxy } = lease.stream;
    if (this.#seats.get(proxy)?.current !== lease) return this.#unrecorded.delete(lease);
    try {
      await this.#options.changes.run(proxy, () => this.#take(lease));
    } catch (error) {
      if (hasCode(error, "MM503", "MM500")) return this.#unrecorded.add(lease);
      this.#unrecorded.delete(lease);
      this.#refuse(lease, error);
      // The one that had the place here before lost it to this one, and the record does not know that yet.
      this.#options.losses.lose(proxy, lease.epoch, "its place went to a sidecar that could not join", true);
      this.#offerAgain(proxy);
      return;
    }
    this.#unrecorded.delete(lease);
  }

  #refuse(lease: Lease, error: unknown): void {
    if (lease.ended !== undefined) return;
    const refusal = toMeshError(error);
    this.#options.refusals.refused(lease.stream, refusal);
    this.#seats.remove(lease);
    lease.end(refusal.message);
  }

  /** Another stream has the place of this one. */
  #displace(lease: Lease, holder: PresenceSpec): void {
    if (holder.incarnation !== lease.stream.incarnation) {
      this.#park(lease, holder);
      return;
    }
    this.#seats.remove(lease);
    lease.end("a newer stream of the same sidecar has its place");
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
    const detail = `the sidecar at ${peer} waits: another of the same name, at ${holder.peer}, has the place`;
    this.#options.refusals.once(proxy, "twice", detail);
    if (!this.#stopped) this.#rivals.set(proxy, peer);
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
    this.#retry(seat, record?.state === "lost" || record?.state === "offline" ? FREE_AFTER_LOSS_MS : 0);
  }

  /** The place became free, and that may change nothing in the record. */
  #offerAgain(proxy: ProxyId): void {
    const seat = this.#seats.get(proxy);
    if (seat) this.#offer(seat, this.#options.index().record(proxy)?.spec);
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
      await this.#options.changes.run(seat.proxy, () => this.#take(lease));
    } catch (error) {
      if (lease.ended !== undefined) return;
      if (hasCode(error, "MM503", "MM500")) {
        this.#retry(seat, FREE_AFTER_LOSS_MS);
        return;
      }
      this.#refuse(lease, error);
      if (seat.waiting.length > 0) this.#retry(seat, 0);
    }
  }

  #ended(lease: Lease, reason: string): void {
    const role = this.#seats.remove(lease);
    if (role === "current") this.#lose(lease, reason);
    const { proxy } = lease.stream;
    if (this.#stopped || role !== "waiting" || this.#seats.get(proxy)?.waiting.length) return;
    this.#rivals.set(proxy, undefined);
  }

  #lose(lease: Lease, reason: string): void {
    // What the record says of another control plane's stream is that one's business.
    const own = this.#unrecorded.has(lease);
    this.#unrecorded.delete(lease);
    if (this.#stopped) return;
    const { proxy } = lease.stream;
    this.#options.losses.lose(proxy, lease.epoch, reason, own);
    // Else the change of the record tells that the place is free.
    if (own) this.#offerAgain(proxy);
  }
}

function healthIn({
  healthSequence: sequence,
  notReady,
  probed = [],
  trouble,
}: PresenceSpec): SidecarHealth | undefined {
  return sequence === undefined ? undefined : { sequence, notReady, probed, trouble };
}

/** Whether the record is of the sidecar that has the place. One whose place is not written down yet has the epoch of another's. */
function isAbout(record: PresenceSpec, lease: Lease): boolean {
  return record.incarnation === lease.stream.incarnation;
}
