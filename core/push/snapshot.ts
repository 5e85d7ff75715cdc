import type { XdsType } from "../envoy/encoded-resource.ts";
import { token } from "../kernel/token.ts";
import type { ResourceList } from "./resource-list.ts";

/** Which proxy. `name` may contain dots, `mesh` may not: node id is `<mesh>.<name>` (contract, section 3.4). */
export interface ProxyId {
  readonly mesh: string;
  readonly name: string;
}

export function proxyText(proxy: ProxyId): string {
  return `${proxy.mesh}.${proxy.name}`;
}

/**
 * All that one proxy should have now. Immutable and replaced as a whole. A list whose content did not change keeps its
 * identity from snapshot to snapshot, so `before.resources.cluster === after.resources.cluster` means "nothing to send".
 */
export interface Snapshot {
  /** Store revision that this picture includes. */
  readonly revision: number;
  /** Revision at which the list of each type became what it is, for this proxy. */
  readonly since: { readonly [T in XdsType]: number };
  readonly resources: { readonly [T in XdsType]: ResourceList };
}

export interface SubscribeOptions {
  /** What the sidecar said it can do: `features` of the node metadata (contract, section 3.4). The newest subscriber's count. */
  readonly features?: readonly string[] | undefined;
  /**
   * Store revision that the first snapshot must include at the least: that of the Dataplane which was just written, or a
   * sidecar with a new definition would first be sent the old one. Default: whatever there is.
   */
  readonly atLeast?: number | undefined;
}

/** Who gets the snapshots of a proxy; disposing ends it, and what it acknowledged no longer counts. */
export interface SnapshotSubscription extends Disposable {
  /**
   * The subscriber's proxy holds every resource of this type that it asked for, as of this snapshot revision: all was sent
   * and accepted, or nothing had to be sent. Revisions of a type only grow. A refusal is never reported here.
   */
  acknowledged(type: XdsType, revision: number): void;
}

/** Where streams get their snapshots. Latest-only: a slow reader sees the newest picture, not each one between. */
export interface SnapshotSource {
  /**
   * Calls back with the present snapshot as soon as there is one, then on each change, always asynchronously.
   * A proxy whose Dataplane is gone, or whose own address cannot be resolved, keeps what it has; only the endpoints in it
   * follow their services. Its resources are freed when nobody subscribes any more.
   */
  subscribe(proxy: ProxyId, onSnapshot: (snapshot: Snapshot) => void, options?: SubscribeOptions): SnapshotSubscription;
}

export const SnapshotSource = token<SnapshotSource>("SnapshotSource");
