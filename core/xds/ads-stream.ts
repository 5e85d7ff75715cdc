import { XDS_TYPES } from "../envoy/encoded-resource.ts";
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

/*
 * Sets of types, as bits in the order of XDS_TYPES: with thousands of streams, most of the time that one takes is spent on
 * fetching what it keeps from memory, so that no type is looked at which a message does not concern.
 */
const CLUSTER = 1;
const ENDPOINT = 2;
const SECRET = 4;
const LISTENER = 8;
const ROUTE = 16;
/** What listeners and routes refer to; those; all. */
const REFERRED = CLUSTER | ENDPOINT | SECRET;
const REFERRERS = LISTENER | ROUTE;
const ALL_TYPES = REFERRED | REFERRERS;

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
  /** In the order of XDS_TYPES. */
  readonly #channels: readonly Channel<never>[];
  readonly #gates: MakeBeforeBreak;
  /** The newest one; undefined before the first. */
  #snapshot: Snapshot | undefined;
  /** Types that may have something to send: the list changed, or the client said something. */
  #astir = ALL_TYPES;
  /** Types of which something waits for removals to be allowed. */
  #removing = 0;
  /** Types of which the session has not heard that the client holds the newest list. */
  #unsynced = ALL_TYPES;
  /** Something is refused, and so something may be held back. */
  #holdsBack = false;
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
    this.#channels = XDS_TYPES.map((type) => channels[type]);
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
    const at = XDS_TYPES.indexOf(type);
    const channel = this.#channels[at] as Channel<never>;
    const answer = channel.onRequest(request as never, now);
    this.#astir |= 1 << at;
    this.#noteRemovals(1 << at, channel);
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
    const changed = this.#snapshot ? typesThatDiffer(this.#snapshot, snapshot) : ALL_TYPES;
    this.#snapshot = snapshot;
    this.#astir |= changed;
    this.#unsynced |= changed;
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
      if (this.#closed || this.#sending) break;
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
    if (this.#astir & REFERRERS) {
      const gate = this.#gates.referrers(now);
      if (!gate.open) return this.#lookAgain(gate.lookAgainAt, now);
      const referrer = this.#nextOf(REFERRERS, snapshot, now, true);
      if (referrer) return referrer;
    }
    const removing = this.#removing & REFERRED;
    if (!removing) return this.#lookAgain(undefined, now);
    const gate = this.#gates.removals(now);
    if (!gate.open) return this.#lookAgain(gate.lookAgainAt, now);
    this.#astir |= removing;
    return this.#nextOf(REFERRED, snapshot, now, true) ?? this.#lookAgain(undefined, now);
  }

  /** The next message of one of these types. One that has nothing to send is not asked again until it is astir again. */
  #nextOf(types: number, snapshot: Snapshot, now: number, removals: boolean): Outgoing | undefined {
    const asked = types & this.#astir;
    for (let at = 0; asked >> at !== 0; at++) {
      const bit = 1 << at;
      if (!(asked & bit)) continue;
      const channel = this.#channels[at] as Channel<never>;
      const list = snapshot.resources[channel.type];
      const outgoing = channel.next({ list, revision: snapshot.revision, removals, now });
      this.#noteRemovals(bit, channel);
      if (!outgoing) {
        this.#astir &= ~bit;
        continue;
      }
      this.#gates.sent(channel.type, now);
      if (bit === CLUSTER) this.#requireAssignments(outgoing, snapshot);
      this.#options.session.onSent(channel.type);
      return outgoing;
    }
    return undefined;
  }

  /**
   * A changed cluster warms anew and waits for its assignment, which Envoy does not ask for again with delta: without this
   * the cluster is acknowledged 15 s later.
   */
  #requireAssignments({ fresh }: Outgoing, { resources }: Snapshot): void {
    const names = fresh.map(({ name }) => name);
    this.#options.channels.of.endpoint.require(names, resources.endpoint);
    this.#astir |= ENDPOINT;
  }

  #noteRemovals(bit: number, channel: Channel<never>): void {
    if (channel.removalsWaiting) this.#removing |= bit;
    else this.#removing &= ~bit;
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

  #reportSynced({ resources, revision }: Snapshot): void {
    const asked = this.#unsynced;
    for (let at = 0; asked >> at !== 0; at++) {
      const bit = 1 << at;
      if (!(asked & bit)) continue;
      const channel = this.#channels[at] as Channel<never>;
      if (!channel.subscribed || !channel.holds(resources[channel.type])) continue;
      this.#unsynced &= ~bit;
      this.#options.session.onSynced(channel.type, revision);
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
      this.#astir = ALL_TYPES;
      this.#pump();
    });
    this.#wakeUp = { at, timer };
    return undefined;
  }

  /** When the next resources that were held back are due. What is due already waits for a gate or an answer; both lead here again. */
  #nextDueAt(now: number): number {
    const dueAt = this.#channels.map((channel) => channel.dueAt).filter((at) => at !== undefined);
    this.#holdsBack = dueAt.length > 0 || this.#channels.some((channel) => channel.refused);
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

/**
 * A list can change within one revision (an answer of DNS), and the same list can count anew (a stream that got its place
 * back). Spelled out, as it is done for each proxy in each change: a property by a variable name is looked up each time.
 */
function typesThatDiffer(before: Snapshot, after: Snapshot): number {
  const [was, is] = [before.resources, after.resources];
  const [from, to] = [before.since, after.since];
  return (
    (was.cluster === is.cluster && from.cluster === to.cluster ? 0 : CLUSTER) |
    (was.endpoint === is.endpoint && from.endpoint === to.endpoint ? 0 : ENDPOINT) |
    (was.secret === is.secret && from.secret === to.secret ? 0 : SECRET) |
    (was.listener === is.listener && from.listener === to.listener ? 0 : LISTENER) |
    (was.route === is.route && from.route === to.route ? 0 : ROUTE)
  );
}
