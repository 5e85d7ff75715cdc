import type { XdsType } from "../envoy/encoded-resource.ts";
import { token } from "../kernel/token.ts";
import type { ProxyId } from "../push/snapshot.ts";
import type { StreamNode } from "../xds/stream-events.ts";

/** Collects what happens on the streams and writes DataplaneInsights in batches (contract, section 4.5). */
export interface InsightTracker {
  /** A proxy's stream was accepted; the first write is immediate. */
  opened(proxy: ProxyId, streamId: string, node: StreamNode): StreamInsight;
}

export interface StreamInsight {
  sent(type: XdsType): void;
  acknowledged(type: XdsType): void;
  rejected(type: XdsType, message: string): void;
  closed(): void;
}

export const InsightTracker = token<InsightTracker>("InsightTracker");
