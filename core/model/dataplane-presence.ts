import type { Inbound } from "./dataplane/spec.ts";

/** The internal resource type of a presence record: same mesh and name as its Dataplane, which owns it. */
export const DATAPLANE_PRESENCE = "DataplanePresence";

/** The states of a proxy that connected at least once. A Dataplane that never connected has no record and counts as offline. */
export const PRESENCE_STATES = ["connected", "leaving", "lost", "offline", "left"] as const;
export type PresenceState = (typeof PRESENCE_STATES)[number];

/**
 * What consumers do with the endpoints of a proxy. `healthy`: normal use. `degraded`: last choice, used only when no
 * healthy endpoint of the service is left. `withdrawn`: not there. A Dataplane without a record is `degraded`.
 */
export type EndpointUse = "healthy" | "degraded" | "withdrawn";

/**
 * What the control plane knows about a proxy beside what the user wrote. Written by core/presence only, so that the
 * view and other control planes learn it as they learn everything else. The record of a proxy that joins for the first
 * time comes before its Dataplane among the changes of the store; both are one write.
 */
export interface PresenceSpec {
  readonly state: PresenceState;
  /** When `state` began; milliseconds since 1970. */
  readonly since: number;
  /** One plain sentence: why the state is what it is. */
  readonly reason: string;
  /** What the endpoints are used for; not always what `state` suggests (a mass loss keeps them `healthy`). */
  readonly endpoints: EndpointUse;
  /** Inbound ports whose application is known not to answer, or not known yet. They get no traffic whatever `endpoints` says. */
  readonly notReady: readonly number[];
  /**
   * Inbound ports of which the sidecar tells whether they are ready, or will. An inbound with a service probe that is not
   * among them is new to the sidecar, so not ready yet. Absent: this sidecar tells nothing, and everything counts as ready.
   */
  readonly probed?: readonly number[] | undefined;
  /** What is wrong with the sidecar itself, as it says: one plain sentence. Absent if nothing is. */
  readonly trouble?: string | undefined;
  /** How the Envoy before the one of this stream ended, if it was not asked to. */
  readonly envoyEnd?: string | undefined;
  /** Sequence of the report that `notReady` is from; an older one of the same incarnation is ignored. Our own sidecar only. */
  readonly healthSequence?: number | undefined;
  /** Minted at `/bootstrap`: one start of one sidecar. For a stock sidecar the id of its stream. */
  readonly incarnation: string;
  /** Incarnations that lost their place to another one, newest last; they wait until the holder ends. */
  readonly displaced: readonly string[];
  /** Incarnations that left, or asked to, before another one took the place; they get it no more. Newest last. */
  readonly departed?: readonly string[] | undefined;
  /** Control plane instance that holds, or held, the stream. */
  readonly instance: string;
  /** Epoch of the record's key at which `incarnation` took its place. */
  readonly epoch: number;
  /** Whether a stream is open as far as is known; a leaving proxy may have lost it. */
  readonly open: boolean;
  /** Remote address of the stream. */
  readonly peer: string;
  /** Remote address of another sidecar of the same name that waits for the place, on another host; the proxy runs twice. */
  readonly rival?: string | undefined;
  /** Name of the lifecycle plugin that admitted the proxy. */
  readonly lifecycle: string;
  /** True if the Dataplane was made from the definition a sidecar brought, and goes when that sidecar leaves. */
  readonly ownsDataplane: boolean;
  /** Leaving only: the sidecar asked for it, or a stock sidecar's Envoy was seen draining. */
  readonly leave?: "requested" | "draining" | undefined;
  /**
   * Last sign of life, milliseconds since 1970. While a stream is open this is when it opened; the true value is then
   * the last heartbeat of `instance`, which costs no write per proxy.
   */
  readonly lastSeen: number;
  /** The same on the observed clock: milliseconds during which some control plane was up (core/presence/observed-clock.ts). */
  readonly lastSeenObserved: number;
}

/** Whether the application behind the inbound answers, as far as is known: a probed one is not ready before its first good probe. */
export function isAnswering(inbound: Inbound, presence: PresenceSpec | undefined): boolean {
  if (presence?.notReady.includes(inbound.port)) return false;
  if (!inbound.serviceProbe) return true;
  if (!presence) return false;
  return presence.healthSequence === 0 || (presence.probed?.includes(inbound.port) ?? true);
}
