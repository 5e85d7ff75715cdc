import { XDS_TYPES, type XdsType } from "../envoy/encoded-resource.ts";
import type { Clock } from "../kernel/clock.ts";
import { MeshError } from "../kernel/errors.ts";
import type { Snapshot } from "../push/snapshot.ts";
import type { Channel, Outgoing } from "./channel.ts";
import { type ChannelSet, typeOfUrl } from "./channels.ts";
import { MakeBeforeBreak } from "./make-before-break.ts";
import { readNodeId } from "./node-reader.ts";
import type { FramePort } from "./proxy-call.ts";
import type { AdsSession } from "./stream-events.ts";

/** A client that takes nothing for this long is given up. */
export const STALL_MS = 30_000;

export interface AdsStreamOptions {
  readonly channels: ChannelSet;
  /** Of the first message; another one in a later message ends the stream. */
  readonly nodeId: string;
  readonly session: Pick<AdsSession, "onSent" | "onAck" | "onNack" | "onSynced">;
  readonly port: FramePort;
  readonly clock: Clock;
}

/** Types that listeners and routes refer to, in the order in which they must reach Envoy; then those that refer to them. */
const REFERRED = ["cluster", "endpoint", "secret"] as const;
const REFERRERS = ["listener", "route"] as const;

/**
 * One ADS stream as a state machine without sockets: requests and snapshots go in, frames come out. It keeps no queue:
 * each channel knows how far its client is from the newest snapshot, and one frame at a time is made when the transport
 * has taken the last. So a slow reader costs one frame of memory, and what changes meanwhile folds into the next.
 */
export class AdsStream {
  readonly #channels: Readonly<Record<XdsType, Channel<never>>>;
  readonly #options: AdsStreamOptions;
  readonly #gates: MakeBeforeBreak;
  readonly #syncedUpTo: Record<XdsType, number> = { cluster: -1, endpoint: -1, secret: -1, listener: -1, route: -1 };
  /** Types that may have something to send: the map changed, or the client said something. The others are not looked at. */
  readonly #astir: Record<XdsType, boolean> = {
    cluster: true,
    endpoint: true,
    secret: true,
    listener: true,
    route: true,
  };
  /** Something is refused, and so something may be held back. */
  #holdsBack = false;
  #snapshot: Snapshot | undefined;
  #sendingSince: number | undefined;
  #pumping = false;
  #closed = false;
  #wakeUp: { readonly at: number; readonly timer: Disposable } | undefined;
  #stallCheck: Disposable | undefined;

  constructor(options: AdsStreamOptions) {
    this.#options = options;
    this.#channels = options.channels.of as Readonly<Record<XdsType, Channel<never>>>;
    this.#gates = new MakeBeforeBreak(this.#channels);
  }

  /** Takes one request message. Keeps no part of `bytes`. */
  onRequest(bytes: Uint8Array): void {
    if (this.#closed) return;
    const { channels, nodeId, session, clock } = this.#options;
    const request = channels.read(bytes);
    if (request.node && request.node.byteLength > 0) {
      const id = readNodeId(request.node);
      if (id !== "" && id !== nodeId) {
        throw new MeshError("MM700", `the stream was opened by ${nodeId}, but now a message says that it is ${id}`);
      }
    }
    if (request.typeUrl === "") throw new MeshError("MM700", "the request names no resource type");
    const type = typeOfUrl(request.typeUrl);
    if (!type) return;
    const now = clock.monotonic();
    const answer = this.#channels[type].onRequest(request as never, now);
    this.#astir[type] = true;
    if (answer) this.#gates.answered(type, now);
    if (answer === "accepted") session.onAck(type);
    else if (answer === "refused") {
      this.#holdsBack = true;
      session.onNack(type, request.error ?? "");
    }
    this.#pump();
  }

  /** The newest picture; what it replaces and was not sent yet is never sent. */
  update(snapshot: Snapshot): void {
    if (this.#closed) return;
    const before = this.#snapshot?.resources;
    for (const type of XDS_TYPES) if (before?.[type] !== snapshot.resources[type]) this.#astir[type] = true;
    this.#snapshot = snapshot;
    this.#pump();
  }

  /** Forgets all timers. Nothing is sent or reported any more. */
  close(): void {
    this.#closed = true;
    this.#wakeUp?.timer[Symbol.dispose]();
    this.#stallCheck?.[Symbol.dispose]();
  }

  /** Sends until there is nothing to send or the transport is busy. */
  #pump(): void {
    if (this.#pumping || !this.#snapshot) return;
    this.#pumping = true;
    let outgoing: Outgoing | undefined;
    do {
      if (this.#closed || this.#sendingSince !== undefined) break;
      outgoing = this.#next(this.#snapshot);
      if (outgoing) this.#send(outgoing);
    } while (outgoing);
    this.#pumping = false;
    if (!this.#closed) this.#reportSynced(this.#snapshot);
  }

  #next(snapshot: Snapshot): Outgoing | undefined {
    const now = this.#options.clock.monotonic();
    const referred = this.#nextOf(REFERRED, snapshot, now, false);
    if (referred) return referred;
    if (this.#astir.listener || this.#astir.route) {
      const gate = this.#gates.referrers(now);
      if (!gate.open) return this.#lookAgain(gate.lookAgainAt, now);
      const referrer = this.#nextOf(REFERRERS, snapshot, now, true);
      if (referrer) return referrer;
    }
    const gate = this.#gates.removals(now);
    if (!gate.open) return this.#lookAgain(gate.lookAgainAt, now);
    for (const type of REFERRED) this.#astir[type] = this.#channels[type].removalsWaiting;
    return this.#nextOf(REFERRED, snapshot, now, true) ?? this.#lookAgain(undefined, now);
  }

  #nextOf(types: readonly XdsType[], snapshot: Snapshot, now: number, removals: boolean): Outgoing | undefined {
    for (const type of types) {
      if (!this.#astir[type]) continue;
      const target = { map: snapshot.resources[type], revision: snapshot.revision, removals, now };
      const outgoing = this.#channels[type].next(target);
      this.#astir[type] = outgoing !== undefined;
      if (!outgoing) continue;
      this.#gates.sent(type, now);
      // A changed cluster warms anew and waits for its assignment, which Envoy does not ask for again with delta: without
      // this the cluster is acknowledged 15 s later.
      if (type === "cluster") {
        const names = outgoing.fresh.map(({ name }) => name);
        this.#channels.endpoint.require(names, snapshot.resources.endpoint);
        this.#astir.endpoint = true;
      }
      this.#options.session.onSent(type);
      return outgoing;
    }
    return undefined;
  }

  #send(outgoing: Outgoing): void {
    const { clock, port } = this.#options;
    this.#sendingSince = clock.monotonic();
    port.send(outgoing.message, () => {
      this.#sendingSince = undefined;
      this.#pump();
    });
    if (this.#sendingSince !== undefined) this.#watchForStall();
  }

  #reportSynced(snapshot: Snapshot): void {
    const { revision, since, resources } = snapshot;
    for (const type of XDS_TYPES) {
      if (this.#syncedUpTo[type] >= since[type]) continue;
      const channel = this.#channels[type];
      if (!channel.subscribed || !channel.holds(resources[type])) continue;
      this.#syncedUpTo[type] = revision;
      this.#options.session.onSynced(type, revision);
    }
  }

  /** Arms the one timer for the earliest of a gate and what is held back after a NACK. */
  #lookAgain(gateAt: number | undefined, now: number): undefined {
    let at = gateAt ?? Number.POSITIVE_INFINITY;
    if (this.#holdsBack) at = Math.min(at, this.#nextDueAt(now));
    if (at === Number.POSITIVE_INFINITY || (this.#wakeUp && this.#wakeUp.at <= at)) return undefined;
    this.#wakeUp?.timer[Symbol.dispose]();
    const timer = this.#options.clock.after(Math.max(0, Math.ceil(at - now)), () => {
      this.#wakeUp = undefined;
      for (const type of XDS_TYPES) this.#astir[type] = true;
      this.#pump();
    });
    this.#wakeUp = { at, timer };
    return undefined;
  }

  /** When the next resources that were held back are due. What is due already waits for a gate or an answer; both lead here again. */
  #nextDueAt(now: number): number {
    const dueAt = XDS_TYPES.map((type) => this.#channels[type].dueAt).filter((at) => at !== undefined);
    this.#holdsBack = dueAt.length > 0 || XDS_TYPES.some((type) => this.#channels[type].refused);
    return Math.min(...dueAt.filter((at) => at > now));
  }

  /** One timer at most, and none while nothing is being sent: an idle stream costs nothing. */
  #watchForStall(ms = STALL_MS): void {
    this.#stallCheck ??= this.#options.clock.after(ms, () => {
      this.#stallCheck = undefined;
      if (this.#sendingSince === undefined || this.#closed) return;
      const left = this.#sendingSince + STALL_MS - this.#options.clock.monotonic();
      if (left > 0) {
        this.#watchForStall(Math.ceil(left));
        return;
      }
      this.#options.port.cut(new MeshError("MM700", `the proxy has read nothing for ${STALL_MS / 1000} s`));
    });
  }
}
