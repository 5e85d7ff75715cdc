import { proxyStatus } from "../insight/status.ts";
import type { PresenceSpec } from "../model/dataplane-presence.ts";
import type { Resource } from "../model/resource.ts";
import { resourceToJson, timeText } from "../model/resource-json.ts";
import { type DataplaneSpec, dataplaneType, type Inbound } from "../model/types/dataplane.ts";
import { type DataplaneInsightSpec, dataplaneInsightType } from "../model/types/dataplane-insight.ts";

/** What the store has of one proxy. */
export interface ProxyRecords {
  readonly dataplane: Resource<DataplaneSpec>;
  readonly insight: DataplaneInsightSpec | undefined;
  readonly presence: PresenceSpec | undefined;
}

/**
 * A Dataplane with all that is known of its proxy (contract, section 7.5). The readiness that the control plane found
 * out is merged into the inbounds here; what the user wrote stays as it is in the store.
 */
export function buildOverview({ dataplane, insight, presence }: ProxyRecords): Record<string, unknown> {
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
    presence: presence
      ? { state: presence.state, since: timeText(presence.since), reason: presence.reason }
      : { state: "offline", reason: "never connected" },
  };
}

/** `state: NotReady` with `health: {}` for inbounds whose application does not answer, and for all of a proxy that leaves (contract, section 5). */
function withReadiness(spec: DataplaneSpec, presence: PresenceSpec | undefined): DataplaneSpec {
  if (!presence || !spec.networking.inbound) return spec;
  const { notReady, endpoints } = presence;
  const isDown = (inbound: Inbound) => endpoints === "withdrawn" || notReady.includes(inbound.port);
  const inbound = spec.networking.inbound.map((each) =>
    isDown(each) && each.state !== "Ignored" ? { ...each, state: "NotReady" as const, health: {} } : each,
  );
  return { ...spec, networking: { ...spec.networking, inbound } };
}
