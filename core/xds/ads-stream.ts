import type { XdsType } from "../envoy/encoded-resource.ts";
import type { Clock } from "../kernel/clock.ts";
import { MeshError } from "../kernel/errors.ts";
import type { Snapshot } from "../push/snapshot.ts";
import type { Outgoing } from "./channel.ts";
import { type ChannelSet, typeOfUrl } from "./channels.ts";
import { Lane } from "./lane.ts";
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

/**
 * One ADS stream as a state machine without sockets: requests and snapshots go in, frames come out. It keeps no queue:
 * each channel knows how far its client is from the newest snapshot, and one frame at a time is made when the transport
 * has taken the last. So a slow reader costs one frame of memory, and what changes meanwhile folds into the next.
 */
export class AdsStream {
  readonly #options: AdsStreamOptions;
  readonly #lanes: Readonly<Record<XdsType, Lane>>;
  /** Types that listeners and routes refer to, in the order in which they must reach Envoy; those that refer to them; all. */
  readonly #referred: readonly Lane[];
  readonly #referrers: readonly Lane[];
  readonly #all: readonly Lane[];
  readonly #gates: MakeBeforeBreak;
  /** Something is refused, and so something may be held back. */
  #holdsBack = false;
  /** Of the newest snapshot; undefined before the first. */
  #revision: number | undefined;
  /** The transport has not taken the last frame yet, which it was given then. */
  #sending = false;
  #sendingSince = 0;
  #pumping = false;
  #closed = false;
  #wakeUp: { readonly at: number; readonly timer: Disposable } | undefined;
  #stallCheck: Disposable | undefined;

  constructor(options: AdsStreamOptions) {
    this.#options = options;
    const { of: channels } = options.channels;
    const lane = (type: XdsType) => new Lane(type, channels[type]);
    const [cluster, endpoint, secret] = [lane("cluster"), lane("endpoint"), lane("secret")];
    const [listener, route] = [lane("listener"), lane("route")];
    this.#lanes = { cluster, endpoint, secret, listener, route };
    this.#referred = [cluster, endpoint, secret];
    this.#referrers = [listener, route];
    this.#all = [...this.#referred, ...this.#referrers];
    this.#gates = new MakeBeforeBreak(channels);
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
    const lane = this.#lanes[type];
    const answer = lane.channel.onRequest(request as never, now);
    lane.astir = true;
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
    const { revision, since, resources } = snapshot;
    const { cluster, endpoint, secret, listener, route } = this.#lanes;
    this.#revision = revision;
    // Spelled out, as it is done for each proxy in each change: a property by a variable name is looked up each time.
    cluster.aim(resources.cluster, since.cluster);
    endpoint.aim(resources.endpoint, since.endpoint);
    secret.aim(resources.secret, since.secret);
    listener.aim(resources.listener, since.listener);
    route.aim(resources.route, since.route);
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
    if (this.#pumping || this.#revision === undefined) return;
    this.#pumping = true;
    let outgoing: Outgoing | undefined;
    do {
      if (this.#closed || this.#sending) break;
      outgoing = this.#next(this.#revision);
      if (outgoing) this.#send(outgoing);
    } while (outgoing);
    this.#pumping = false;
    if (!this.#closed) this.#reportSynced(this.#revision);
  }

  #next(revision: number): Outgoing | undefined {
    const now = this.#options.clock.monotonic();
    const referred = this.#nextOf(this.#referred, revision, now, false);
    if (referred) return referred;
    const { listener, route } = this.#lanes;
    if (listener.astir || route.astir) {
      const gate = this.#gates.referrers(now);
      if (!gate.open) return this.#lookAgain(gate.lookAgainAt, now);
      const referrer = this.#nextOf(this.#referrers, revision, now, true);
      if (referrer) return referrer;
    }
    const gate = this.#gates.removals(now);
    if (!gate.open) return this.#lookAgain(gate.lookAgainAt, now);
    for (const lane of this.#referred) lane.astir = lane.channel.removalsWaiting;
    return this.#nextOf(this.#referred, revision, now, true) ?? this.#lookAgain(undefined, now);
  }

  #nextOf(lanes: readonly Lane[], revision: number, now: number, removals: boolean): Outgoing | undefined {
    for (const lane of lanes) {
      if (!lane.astir) continue;
      const { type, channel, list } = lane;
      const outgoing = channel.next({ list, revision, removals, now });
      lane.astir = outgoing !== undefined;
      if (!outgoing) continue;
      this.#gates.sent(type, now);
      // A changed cluster warms anew and waits for its assignment, which Envoy does not ask for again with delta: without
      // this the cluster is acknowledged 15 s later.
      if (type === "cluster") {
        const { endpoint } = this.#lanes;
        const names = outgoing.fresh.map(({ name }) => name);
        endpoint.channel.require(names, endpoint.list);
        endpoint.astir = true;
      }
      this.#options.session.onSent(type);
      return outgoing;
    }
    return undefined;
  }

  #send(outgoing: Outgoing): void {
    const { clock, port } = this.#options;
    this.#sending = true;
    port.send(outgoing.message, () => {
      this.#sending = false;
      this.#pump();
    });
    if (!this.#sending) return;
    this.#sendingSince = clock.monotonic();
    this.#watchForStall();
  }

  #reportSynced(revision: number): void {
    for (const lane of this.#all) {
      if (!lane.isNewlySynced) continue;
      lane.syncedUpTo = revision;
      this.#options.session.onSynced(lane.type, revision);
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
      for (const lane of this.#all) lane.astir = true;
      this.#pump();
    });
    this.#wakeUp = { at, timer };
    return undefined;
  }

  /** When the next resources that were held back are due. What is due already waits for a gate or an answer; both lead here again. */
  #nextDueAt(now: number): number {
    const dueAt = this.#all.map(({ channel }) => channel.dueAt).filter((at) => at !== undefined);
    this.#holdsBack = dueAt.length > 0 || this.#all.some(({ channel }) => channel.refused);
    return Math.min(...dueAt.filter((at) => at > now));
  }

  /** One timer at most, and none while nothing is being sent: an idle stream costs nothing. */
  #watchForStall(ms = STALL_MS): void {
    this.#stallCheck ??= this.#options.clock.after(ms, () => {
      this.#stallCheck = undefined;
      if (!this.#sending || this.#closed) return;
      const left = this.#sendingSince + STALL_MS - this.#options.clock.monotonic();
      if (left > 0) {
        this.#watchForStall(Math.ceil(left));
        return;
      }
      this.#options.port.cut(new MeshError("MM700", `the proxy has read nothing for ${STALL_MS / 1000} s`));
    });
  }
}
