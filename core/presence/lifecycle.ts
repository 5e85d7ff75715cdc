import type { Resource } from "../model/resource.ts";
import type { ResourceStore } from "../store/resource-store.ts";
import type { PresenceSpec, ProxyStream } from "./presence.ts";

/** What an admission gives: the Dataplane to serve, and whether it goes when the proxy leaves. */
export interface Admission {
  readonly dataplane: Resource;
  readonly ownsDataplane: boolean;
}

/** Port of the plugin kind `lifecycle`: who makes and removes a Dataplane (the page's Direct and Indirect). */
export interface Lifecycle {
  readonly name: string;
  /** Whether this lifecycle serves the stream; exactly one must. */
  accepts(stream: ProxyStream): boolean;
  /** Makes, updates or finds the Dataplane. `previous` is the presence record if there is one. Rejects with MM404, MM311, MM104. */
  admit(store: ResourceStore, stream: ProxyStream, previous: PresenceSpec | undefined): Promise<Admission>;
  /** After a graceful leave: what remains is `left` (the record stays) or `deleted`. */
  afterLeave(presence: PresenceSpec): "keep" | "delete";
}
