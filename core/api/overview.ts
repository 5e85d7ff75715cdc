import { type ConfigStatus, configStatus } from "../insight/config-status.ts";
import { proxyStatus } from "../insight/status.ts";
import { isAnswering, type PresenceSpec } from "../model/dataplane-presence.ts";
import type { Resource } from "../model/resource.ts";
import { resourceToJson, timeText } from "../model/resource-json.ts";
import { type DataplaneSpec, dataplaneType, type Inbound } from "../model/types/dataplane.ts";
import { type DataplaneInsightSpec, dataplaneInsightType } from "../model/types/dataplane-insight.ts";
import type { Outlook } from "../presence/outlook.ts";
import type { Freshness } from "../push/freshness.ts";

/** All that is known of one proxy: what the store has, and what this control plane has in memory. */
export interface ProxyRecords {
  readonly dataplane: Resource<DataplaneSpec>;
  readonly insight: DataplaneInsightSpec | undefined;
  readonly presence: PresenceSpec | undefined;
  /** Of its configuration, if this control plane holds its stream. */
  readonly freshness?: Freshness | undefined;
  readonly outlook?: Outlook | undefined;
}

/**
 * A Dataplane with all that is known of its proxy (contract, section 7.5). The readiness that the control plane found
 * out is merged into the inbounds here; what the user wrote stays as it is in the store.
 */
export function buildOverview(records: ProxyRecords): Record<string, unknown> {
  const { dataplane, insight, presence } = records;
  const spec = withReadiness(dataplane.spec, presence);
  const { status, reason } = proxyStatus(dataplane.spec, insight, presence);
  const { type: _, ...meta } = resourceToJson({ ...dataplaneType, toJson: () => ({}) }, dataplane);
  return {
    type: "DataplaneOverview",
    ...meta,
    dataplane: dataplaneType.toJson(spec),
    dataplaneInsight: insight ? dataplaneInsightType.toJson(insight) : {},
    status,
    ...(reason === "" ? {} : { reason }),
    presence: presence ? presenceJson(presence, records.outlook) : { state: "offline", reason: "never connected" },
    config: configJson(configStatus(presence?.open ?? false, insight, records.freshness)),
  };
}

function presenceJson(presence: PresenceSpec, outlook: Outlook | undefined): Record<string, unknown> {
  const { state, since, reason, endpoints, lifecycle, ownsDataplane, peer, rival, instance, trouble } = presence;
  return {
    state,
    since: timeText(since),
    reason,
    endpoints: endpoints === "degraded" ? "lastChoice" : endpoints,
    lastSeen: timeText(outlook?.lastSeen ?? presence.lastSeen),
    ...(outlook?.offlineAt === undefined ? {} : { offlineAt: timeText(outlook.offlineAt) }),
    ...(outlook?.deletedAt === undefined ? {} : { deletedAt: timeText(outlook.deletedAt) }),
    lifecycle,
    ownsDataplane,
    peer,
    ...(rival === undefined ? {} : { rival }),
    ...(trouble === undefined ? {} : { trouble }),
    controlPlane: instance,
  };
}

function configJson({ state, since, behind, wanted, acknowledged, reason }: ConfigStatus): Record<string, unknown> {
  return {
    state,
    ...(since === undefined ? {} : { since: timeText(since) }),
    ...(reason === "" ? {} : { reason }),
    ...(behind === 0 ? {} : { behind }),
    ...(wanted === undefined ? {} : { wanted }),
    ...(acknowledged === undefined ? {} : { acknowledged }),
  };
}

/** `state: NotReady` with `health: {}` for inbounds whose application does not answer, and for all of a proxy that leaves (contract, section 5). */
function withReadiness(spec: DataplaneSpec, presence: PresenceSpec | undefined): DataplaneSpec {
  if (!spec.networking.inbound) return spec;
  const isDown = (inbound: Inbound) => presence?.endpoints === "withdrawn" || !isAnswering(inbound, presence);
  const inbound = spec.networking.inbound.map((each) =>
    isDown(each) && each.state !== "Ignored" ? { ...each, state: "NotReady" as const, health: {} } : each,
  );
  return { ...spec, networking: { ...spec.networking, inbound } };
}
