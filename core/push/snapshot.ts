import type { EncodedResource, XdsType } from "../envoy/encoded-resource.ts";
import { token } from "../kernel/token.ts";

/** Which proxy. `name` may contain dots, `mesh` may not: node id is `<mesh>.<name>` (contract, section 3.4). */
export interface ProxyId {
  readonly mesh: string;
  readonly name: string;
}

export function proxyText(proxy: ProxyId): string {
  return `${proxy.mesh}.${proxy.name}`;
}

/**
 * All that one proxy should have now. Immutable and replaced as a whole. A map whose content did not change keeps its
 * identity from snapshot to snapshot, so `before.resources.cluster === after.resources.cluster` means "nothing to send".
 */
export interface Snapshot {
  /** Store revision that this picture includes. */
  readonly revision: number;
  readonly resources: { readonly [T in XdsType]: ReadonlyMap<string, EncodedResource> };
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

/** Where streams get their snapshots. Latest-only: a slow reader sees the newest picture, not each one between. */
export interface SnapshotSource {
  /**
   * Calls back with the present snapshot as soon as there is one, then on each change, always asynchronously.
   * A proxy whose Dataplane is gone, or whose own address cannot be resolved, keeps what it has; only the endpoints in it
   * follow their services. Disposing
   * ends it; the proxy's resources are freed when nobody subscribes any more.
   */
  subscribe(proxy: ProxyId, onSnapshot: (snapshot: Snapshot) => void, options?: SubscribeOptions): Disposable;
}

export const SnapshotSource = token<SnapshotSource>("SnapshotSource");
