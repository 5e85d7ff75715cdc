import { formatDuration } from "../kernel/duration.ts";
import type { SidecarHealth } from "../model/dataplane/sidecar-health.ts";
import type { PresenceSpec } from "../model/dataplane-presence.ts";
import type { HealthReport } from "./presence.ts";

/** One moment on both clocks, in milliseconds. Decisions use `observed` only: the wall clock may jump. */
export interface Moment {
  readonly wall: number;
  /** See observed-clock.ts. */
  readonly observed: number;
}

export interface PresenceRules {
  /** A lost proxy becomes offline after this time; milliseconds. */
  readonly idleTimeoutMs: number;
  /** An absent proxy is deleted after this time since its last sign of life; milliseconds. */
  readonly cleanupAgeMs: number;
  /** Whether a probed inbound of a stock sidecar waits for its first good probe; false where nothing reports probes. */
  readonly awaitProbes: boolean;
  /** What the record's lifecycle wants after a graceful leave. */
  afterLeave(record: PresenceSpec): "keep" | "delete";
}

/** A stream that gets the place of its proxy. */
export interface Arrival {
  readonly incarnation: string;
  readonly instance: string;
  readonly epoch: number;
  readonly peer: string;
  readonly lifecycle: string;
  readonly ownsDataplane: boolean;
  /** Inbound ports that have a service probe. */
  readonly probedPorts: readonly number[];
  /** What the stream itself says; undefined for a stock sidecar. */
  readonly health?: SidecarHealth | undefined;
}

export type PresenceEvent =
  /** The sidecar says that it wants to leave. */
  | { readonly type: "leave" }
  /** The sidecar says that it ends now. */
  | { readonly type: "left" }
  /** The stream ended, or the control plane that held it is gone and the proxy did not come back. */
  | {
      readonly type: "closed";
      readonly reason: string;
      readonly lastSeen: Moment;
      /** A mass loss: the control plane is probably the one cut off. */
      readonly keepEndpoints: boolean;
    }
  /** The loss turned out to be part of a mass loss after it was recorded. */
  | { readonly type: "spared" }
  | ({ readonly type: "reported" } & HealthReport)
  /** Another sidecar of the same name waits, or (undefined) none does any more. */
  | { readonly type: "rival"; readonly peer: string | undefined }
  /** Time passed. */
  | { readonly type: "elapsed" };

/** What may happen to a stream that wants its proxy's place. */
export type Place = "take" | "park" | "refuse";

/** Longer lists would only keep the names of sidecars that are long dead. */
const MOST_REMEMBERED = 8;

/** Whether a stream gets the place of its proxy (design.md, "a second stream"). */
export function placeFor(record: PresenceSpec | undefined, incarnation: string): Place {
  if (!record) return "take";
  if (record.departed?.includes(incarnation)) return "refuse";
  if (record.state === "left") return record.incarnation === incarnation ? "refuse" : "take";
  if (record.incarnation === incarnation) return "take";
  const held = record.state === "connected" || record.state === "leaving";
  return held && record.displaced.includes(incarnation) ? "park" : "take";
}

/** The record of a proxy whose stream took its place. Only call it when `placeFor` says `take`. */
export function arrive(
  previous: PresenceSpec | undefined,
  arrival: Arrival,
  now: Moment,
  rules: PresenceRules,
): PresenceSpec {
  const same = previous?.incarnation === arrival.incarnation ? previous : undefined;
  const stillLeaving = same?.state === "leaving" && same.leave === "requested";
  return {
    state: stillLeaving ? "leaving" : "connected",
    since: same && (stillLeaving || same.state === "connected") ? same.since : now.wall,
    reason: stillLeaving ? same.reason : `connected from ${arrival.peer}${envoyEndText(arrival.health?.envoyEnd)}`,
    endpoints: stillLeaving ? "withdrawn" : "healthy",
    ...healthAtArrival(same, arrival, rules),
    ...known("envoyEnd", arrival.health?.envoyEnd),
    incarnation: arrival.incarnation,
    ...remembered(previous, arrival.incarnation),
    instance: arrival.instance,
    epoch: arrival.epoch,
    open: true,
    peer: arrival.peer,
    lifecycle: arrival.lifecycle,
    ownsDataplane: arrival.ownsDataplane,
    ...(stillLeaving ? { leave: "requested" } : {}),
    lastSeen: now.wall,
    lastSeenObserved: now.observed,
  };
}

/** For a sentence that goes on; empty if no Envoy ended. */
export function envoyEndText(envoyEnd: string | undefined): string {
  return envoyEnd === undefined ? "" : `; its Envoy had ended by ${envoyEnd}`;
}

/** Applies an event. The same object means: nothing to write. `delete`: the Dataplane goes, and the record with it. */
export function transition(
  record: PresenceSpec,
  event: PresenceEvent,
  now: Moment,
  rules: PresenceRules,
): PresenceSpec | "delete" {
  switch (event.type) {
    case "leave":
      return onLeave(record, now);
    case "left":
      if (record.state !== "left") return left(record, now, now);
      // A control plane ended between the record and the deletion that follows from it.
      return rules.afterLeave(record) === "delete" ? "delete" : record;
    case "closed":
      return onClosed(record, event, now);
    case "spared":
      return record.state === "lost" && record.endpoints === "degraded"
        ? { ...record, endpoints: "healthy", reason: `${record.reason}; ${SPARED}` }
        : record;
    case "reported":
      return onReported(record, event, now);
    case "rival":
      return onRival(record, event.peer);
    case "elapsed":
      return onElapsed(record, now, rules);
  }
}

/** Observed time at which `elapsed` will change the record; undefined if only an event can. */
export function deadlineOf(record: PresenceSpec, rules: PresenceRules): number | undefined {
  const idle = record.lastSeenObserved + rules.idleTimeoutMs;
  const cleanup = record.lastSeenObserved + rules.cleanupAgeMs;
  switch (record.state) {
    case "connected":
      return undefined;
    case "leaving":
      return record.open ? undefined : idle;
    case "lost":
      return Math.min(idle, cleanup);
    case "offline":
      return cleanup;
    case "left":
      return rules.afterLeave(record) === "delete" ? record.lastSeenObserved : cleanup;
  }
}

const SPARED = "so much of the mesh was lost at once that its endpoints stay in use";

/** Whether the sidecar said that it goes; the draining of a stock one is only a guess. */
export function hasDeparted(record: PresenceSpec): boolean {
  return record.state === "left" || record.leave === "requested";
}

/** What a record keeps of the incarnations that had the place before. */
function remembered(
  previous: PresenceSpec | undefined,
  incarnation: string,
): Pick<PresenceSpec, "displaced" | "departed"> {
  if (!previous) return { displaced: [] };
  const { displaced, departed = [] } = previous;
  if (previous.incarnation === incarnation) return { displaced, departed };
  const others = displaced.filter((each) => each !== incarnation);
  const add = (list: readonly string[]) => [...list, previous.incarnation].slice(-MOST_REMEMBERED);
  return hasDeparted(previous) ? { displaced: others, departed: add(departed) } : { displaced: add(others), departed };
}

function onLeave(record: PresenceSpec, now: Moment): PresenceSpec {
  if (record.state === "left" || record.leave === "requested") return record;
  return {
    ...record,
    state: "leaving",
    since: record.state === "leaving" ? record.since : now.wall,
    reason: "the sidecar asked to leave",
    endpoints: "withdrawn",
    leave: "requested",
    lastSeen: now.wall,
    lastSeenObserved: now.observed,
  };
}

function left(record: PresenceSpec, now: Moment, lastSeen: Moment): PresenceSpec {
  const { leave: _, ...rest } = record;
  return {
    ...rest,
    ...latest(record, lastSeen),
    state: "left",
    since: now.wall,
    reason: "the sidecar left in an orderly way",
    endpoints: "withdrawn",
    open: false,
  };
}

function onClosed(record: PresenceSpec, event: PresenceEvent & { type: "closed" }, now: Moment): PresenceSpec {
  if (!record.open) return record;
  if (record.state === "leaving") return left(record, now, event.lastSeen);
  return {
    ...record,
    ...latest(record, event.lastSeen),
    state: "lost",
    since: now.wall,
    reason: event.keepEndpoints ? `${event.reason}; ${SPARED}` : event.reason,
    endpoints: event.keepEndpoints ? "healthy" : "degraded",
    open: false,
  };
}

type Health = Pick<PresenceSpec, "notReady" | "probed" | "trouble" | "healthSequence">;

/**
 * Joining again does not make a dead application ready, nor a living one unready: what is known stays until something newer
 * is told.
 */
function healthAtArrival(
  same: PresenceSpec | undefined,
  { health, probedPorts }: Arrival,
  rules: PresenceRules,
): Health {
  if (health && health.sequence >= (same?.healthSequence ?? 0)) return healthOf(health);
  if (same)
    return {
      notReady: same.notReady,
      ...known("probed", same.probed),
      ...known("trouble", same.trouble),
      ...known("healthSequence", same.healthSequence),
    };
  return rules.awaitProbes ? healthOf({ notReady: probedPorts, probed: probedPorts }) : { notReady: [] };
}

function healthOf(report: Pick<HealthReport, "notReady" | "probed" | "trouble" | "sequence">): Health {
  const sorted = (ports: readonly number[]) => [...new Set(ports)].sort((a, b) => a - b);
  return {
    notReady: sorted(report.notReady),
    probed: sorted(report.probed),
    ...known("trouble", report.trouble),
    ...known("healthSequence", report.sequence),
  };
}

/** A property, or none if its value is not known. */
function known<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [P in K]: V });
}

/** Whether a report would change nothing. */
export function saysNothingNew(record: PresenceSpec, report: HealthReport): boolean {
  const { notReady, probed = [], trouble } = healthOf(report);
  if (report.sequence !== undefined && report.sequence !== record.healthSequence) return false;
  if (trouble !== record.trouble || !sameNumbers(notReady, record.notReady)) return false;
  if (!record.probed || !sameNumbers(probed, record.probed)) return false;
  return report.draining === undefined || report.draining === (record.leave === "draining") || hasDeparted(record);
}

function onReported(record: PresenceSpec, event: PresenceEvent & { type: "reported" }, now: Moment): PresenceSpec {
  if (!record.open || (event.sequence ?? Number.POSITIVE_INFINITY) < (record.healthSequence ?? 0)) return record;
  if (saysNothingNew(record, event)) return record;
  const { trouble: _before, ...unhurt } = record;
  const seen = { ...unhurt, ...healthOf(event) };
  if (event.draining && seen.state === "connected") {
    const reason = "its Envoy drains";
    return { ...seen, state: "leaving", since: now.wall, reason, endpoints: "withdrawn", leave: "draining" };
  }
  if (event.draining === false && seen.leave === "draining") {
    const { leave: _, ...rest } = seen;
    const reason = "its Envoy stopped draining";
    return { ...rest, state: "connected", since: now.wall, reason, endpoints: "healthy" };
  }
  return seen;
}

function onRival(record: PresenceSpec, peer: string | undefined): PresenceSpec {
  if (record.state !== "connected" || record.rival === peer) return record;
  const { rival: _, ...rest } = record;
  const reason = `connected from ${record.peer}`;
  return peer
    ? { ...rest, rival: peer, reason: `${reason}; another sidecar of the same name, at ${peer}, has to wait` }
    : { ...rest, reason };
}

function onElapsed(record: PresenceSpec, now: Moment, rules: PresenceRules): PresenceSpec | "delete" {
  const due = deadlineOf(record, rules);
  if (due === undefined || now.observed < due) return record;
  if (record.state === "leaving") {
    return left(record, now, { wall: record.lastSeen, observed: record.lastSeenObserved });
  }
  if (record.state === "left" && rules.afterLeave(record) === "delete") return "delete";
  if (now.observed >= record.lastSeenObserved + rules.cleanupAgeMs) return "delete";
  const reason = `no sign of life for ${formatDuration(rules.idleTimeoutMs)}`;
  return { ...record, state: "offline", since: now.wall, reason, endpoints: "degraded" };
}

/** A heartbeat of the control plane can be older than the stream it held. */
function latest(record: PresenceSpec, seen: Moment): Pick<PresenceSpec, "lastSeen" | "lastSeenObserved"> {
  return seen.observed >= record.lastSeenObserved
    ? { lastSeen: seen.wall, lastSeenObserved: seen.observed }
    : { lastSeen: record.lastSeen, lastSeenObserved: record.lastSeenObserved };
}

function sameNumbers(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((each, at) => each === b[at]);
}
