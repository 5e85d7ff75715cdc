import type { PresenceSpec } from "../../core/model/dataplane-presence.ts";
import type { DataplaneSpec } from "../../core/model/types/dataplane.ts";
import type { DataplaneInsightSpec } from "../../core/model/types/dataplane-insight.ts";
import type { ResourceStore } from "../../core/store/resource-store.ts";

export interface ProxyInit {
  readonly service?: string;
  readonly outbound?: readonly string[];
  /** False: it never connected. */
  readonly presence?: Partial<PresenceSpec> | false;
  readonly insight?: DataplaneInsightSpec;
  readonly mesh?: string;
}

export function presenceOf(parts: Partial<PresenceSpec> = {}): PresenceSpec {
  const now = Date.now() - 60_000;
  const state = parts.state ?? "connected";
  return {
    state,
    since: now,
    reason: "connected from 10.0.0.4:40022",
    endpoints: state === "connected" ? "healthy" : state === "lost" || state === "offline" ? "degraded" : "withdrawn",
    notReady: [],
    incarnation: "i",
    displaced: [],
    instance: "cp-1",
    epoch: 1,
    open: state === "connected",
    peer: "10.0.0.4:40022",
    lifecycle: "direct",
    ownsDataplane: true,
    lastSeen: now,
    lastSeenObserved: 0,
    ...parts,
  };
}

export function dataplaneOf({ service = "redis", outbound = [] }: ProxyInit): DataplaneSpec {
  return {
    networking: {
      address: "192.168.0.4",
      inbound: [{ port: 9000, servicePort: 6379, tags: { "kuma.io/service": service, "kuma.io/protocol": "tcp" } }],
      outbound: outbound.map((name, at) => ({ port: 10_000 + at, tags: { "kuma.io/service": name } })),
    },
  } as DataplaneSpec;
}

/** Stores what a control plane would have stored of a proxy. */
export async function putProxy(store: ResourceStore, name: string, init: ProxyInit = {}): Promise<void> {
  const key = { mesh: init.mesh ?? "default", name, labels: {} };
  await store.put({ ...key, type: "Dataplane", spec: dataplaneOf(init) });
  if (init.presence !== false) await store.put({ ...key, type: "DataplanePresence", spec: presenceOf(init.presence) });
  if (init.insight) await store.put({ ...key, type: "DataplaneInsight", spec: init.insight });
}
