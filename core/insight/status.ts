import { inboundsOf, isReady } from "../model/dataplane/access.ts";
import type { DataplaneSpec } from "../model/dataplane/spec.ts";
import { isAnswering, type PresenceSpec } from "../model/dataplane-presence.ts";
import type { DataplaneInsightSpec } from "../model/types/dataplane-insight.ts";
import { openRejection, rejectionText } from "./config-status.ts";

/** Kuma's three words, on its wire and under the name `kumactl`. */
export type KumaStatus = "Online" | "Partially degraded" | "Offline";

/** Ours. `Leaving` and `Lost` are states that Kuma does not tell apart. */
export type ProxyStatus = KumaStatus | "Leaving" | "Lost";

export interface StatusWithReason {
  readonly status: ProxyStatus;
  /** One plain sentence; empty when there is nothing to say. */
  readonly reason: string;
}

/**
 * Kuma's formula (contract, section 4.6): online by a subscription that is open, then by the share of inbounds that are
 * ready. A proxy with no inbound at all is Offline there.
 */
export function kumaStatus(
  dataplane: DataplaneSpec,
  insight: DataplaneInsightSpec | undefined,
  presence: PresenceSpec | undefined,
): KumaStatus {
  const online = insight?.subscriptions?.some(
    (each) => each.connectTime !== undefined && each.disconnectTime === undefined,
  );
  if (!online) return "Offline";
  if (dataplane.networking.gateway) return "Online";
  const listeners = dataplane.networking.listeners ?? [];
  const count = inboundsOf(dataplane).length + listeners.length;
  const ready =
    inboundsOf(dataplane).length -
    notReadyPorts(dataplane, presence).length +
    listeners.filter((listener) => (listener.state ?? "Ready") === "Ready").length;
  if (ready === 0) return "Offline";
  return ready < count ? "Partially degraded" : "Online";
}

/** The status as monomesh says it, with the reason (ux.md, section 3.3): by the presence record, which is exact. */
export function proxyStatus(
  dataplane: DataplaneSpec,
  insight: DataplaneInsightSpec | undefined,
  presence: PresenceSpec | undefined,
): StatusWithReason {
  if (!presence) return { status: "Offline", reason: "never connected" };
  const { reason } = presence;
  switch (presence.state) {
    case "leaving":
      return { status: "Leaving", reason };
    case "lost":
      return { status: "Lost", reason };
    case "offline":
    case "left":
      return { status: "Offline", reason };
    case "connected":
      return connectedStatus(dataplane, insight, presence);
  }
}

function connectedStatus(
  dataplane: DataplaneSpec,
  insight: DataplaneInsightSpec | undefined,
  presence: PresenceSpec,
): StatusWithReason {
  const count = inboundsOf(dataplane).length;
  const down = notReadyPorts(dataplane, presence);
  if (down.length > 0) {
    const reason = presence.trouble ?? `no answer from the application behind port ${down.join(", ")}`;
    return { status: down.length === count ? "Offline" : "Partially degraded", reason };
  }
  if (presence.trouble) return { status: "Online", reason: presence.trouble };
  const rejection = openRejection(insight);
  if (rejection) return { status: "Online", reason: rejectionText(rejection) };
  return { status: "Online", reason: presence.rival ? presence.reason : "" };
}

/** Inbound ports that get no traffic: by the user's definition, by the probes, or because the proxy leaves. */
export function notReadyPorts(dataplane: DataplaneSpec, presence: PresenceSpec | undefined): readonly number[] {
  return inboundsOf(dataplane)
    .filter((inbound) => {
      if (!isReady(inbound)) return true;
      if (inbound.state === "Ignored") return false;
      return presence?.endpoints === "withdrawn" || !isAnswering(inbound, presence);
    })
    .map((inbound) => inbound.port);
}
