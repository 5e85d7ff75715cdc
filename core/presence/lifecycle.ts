import type { PresenceSpec } from "../model/dataplane-presence.ts";
import type { Resource, ResourceDraft } from "../model/resource.ts";
import type { ProxyStream } from "./presence.ts";

/** What a lifecycle decides on. Everything was just read; when it changed meanwhile, the lifecycle is asked again. */
export interface AdmissionRequest {
  readonly stream: ProxyStream;
  readonly mesh: Resource;
  /** The stored Dataplane, if there is one. */
  readonly existing: Resource | undefined;
  /** The presence record, if the proxy was connected before. */
  readonly previous: PresenceSpec | undefined;
}

/** What an admission gives: the Dataplane to serve, and whether it goes when the proxy leaves. */
export interface Admission {
  /** As it must be stored. The presence core writes it, unless it says the same as what is stored. */
  readonly dataplane: ResourceDraft;
  readonly ownsDataplane: boolean;
}

/** Port of the plugin kind `lifecycle`: who makes and removes a Dataplane (the page's Direct and Indirect). It decides; core/presence writes. */
export interface Lifecycle {
  readonly name: string;
  /** Whether this lifecycle serves the stream; exactly one must. */
  accepts(stream: ProxyStream): boolean;
  /** Decides what the Dataplane must be. Rejects with MM404, MM104, MM700 or MM3xx when the proxy may not join. */
  admit(request: AdmissionRequest): Promise<Admission>;
  /** After a graceful leave: whether the Dataplane stays (with its record, state `left`) or is deleted. */
  afterLeave(presence: PresenceSpec): "keep" | "delete";
}
