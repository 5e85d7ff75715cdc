import type { XdsType } from "../envoy/encoded-resource.ts";
import { token } from "../kernel/token.ts";
import type { DataplaneInsightSpec } from "../model/types/dataplane-insight.ts";
import type { AbsenceObserver } from "../presence/presence.ts";
import type { ProxyId } from "../push/snapshot.ts";
import type { StreamNode } from "../xds/stream-events.ts";
import type { Rejection } from "./config-status.ts";

/** Collects what happens on the streams and writes DataplaneInsights in batches (contract, section 4.5). */
export interface InsightTracker extends AbsenceObserver {
  /**
   * A proxy's stream was accepted and its Dataplane is stored; the first write is immediate. Called again with the
   * same stream when a parked one got its place back: its subscription is then open again.
   */
  opened(proxy: ProxyId, streamId: string, node: StreamNode): StreamInsight;
  /** The document with the counters of streams that this control plane holds as they are now; stored ones lag behind. */
  withCounters(proxy: ProxyId, stored: DataplaneInsightSpec): DataplaneInsightSpec;
  /** Writes what is not written yet; resolves when the store has it, or could not take it. */
  flush(): Promise<void>;
}

/** What Envoy refused: its words, the resource that they name, and the policies that had a say in that. */
export type Refusal = Pick<Rejection, "message" | "resource" | "policies">;

/** All methods only count; they never wait and never throw. */
export interface StreamInsight {
  sent(type: XdsType): void;
  acknowledged(type: XdsType): void;
  rejected(type: XdsType, refusal: Refusal): void;
  /**
   * The stream ended. Its subscription stays open in the document: a lost proxy is not offline yet, and `absent` says
   * when it is (design.md, "Presence of a proxy").
   */
  closed(): void;
}

export const InsightTracker = token<InsightTracker>("InsightTracker");
