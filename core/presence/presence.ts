import { token } from "../kernel/token.ts";
import type { Resource, ResourceDraft } from "../model/resource.ts";
import type { ProxyId } from "../push/snapshot.ts";

/** design.md, "Presence of a proxy". A Dataplane that never connected has no record and counts as offline. */
export type PresenceState = "connected" | "leaving" | "lost" | "offline" | "left";

/**
 * What the control plane knows about a proxy beside what the user wrote. Stored as the internal resource type
 * `DataplanePresence` (same mesh and name, owned by the Dataplane), so that the view and other control planes learn it
 * as they learn everything else.
 */
export interface PresenceSpec {
  readonly state: PresenceState;
  /** Milliseconds since 1970. */
  readonly since: number;
  /** One plain sentence. */
  readonly reason: string;
  /** Minted at `/bootstrap`: one start of one sidecar. */
  readonly incarnation: string;
  /** Control plane instance that holds the stream. */
  readonly instance: string;
  /** True if the Dataplane was made from the definition a sidecar brought, and goes when that sidecar leaves. */
  readonly ownsDataplane: boolean;
  /** Inbound ports whose application is known not to answer. Absent ports are ready. */
  readonly notReady: readonly number[];
}

/** A proxy that opened its stream and was authenticated. */
export interface ProxyStream {
  readonly proxy: ProxyId;
  readonly streamId: string;
  /** From node metadata; for a stock sidecar, which has none, the stream's id. */
  readonly incarnation: string;
  /** Direct: the definition from node metadata. Indirect: undefined. */
  readonly definition: ResourceDraft | undefined;
  readonly peer: string;
  /** Checks the credential of this stream against a stored resource (contract 4.4: must be valid for the stored one too). */
  authenticate(dataplane: Resource): Promise<void>;
  /** Ends the stream; `reason` is shown to the proxy. */
  end(reason: string): void;
}

/** A proxy's hold on its place. */
export interface PresenceLease {
  readonly dataplane: Resource;
  /** The stream ended. Not awaited by the caller; the record is written in the background. */
  close(reason: string): void;
}

export interface LeaveResult {
  /** Consumers that had to withdraw the endpoints. */
  readonly consumers: number;
  /** Names of those that did not confirm within 2 s. */
  readonly missing: readonly string[];
}

export interface Presence {
  /** Creates, updates or finds the Dataplane by the lifecycle that fits, and marks the proxy connected. Rejects with MM7xx or MM4xx when it may not join. */
  open(stream: ProxyStream): Promise<PresenceLease>;
  /** Withdraws the proxy's endpoints everywhere; answers when all consumers acknowledged, or after 2 s. Idempotent. */
  leave(proxy: ProxyId, incarnation: string): Promise<LeaveResult>;
  /** The sidecar has drained and ends now. Idempotent. */
  left(proxy: ProxyId, incarnation: string): Promise<void>;
}

export const Presence = token<Presence>("Presence");
