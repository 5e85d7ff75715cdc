import { optional, type output } from "zod/mini";
import { defineResourceType } from "../resource-type.ts";
import { counter, flag, list, message, struct, text, textMap, timestamp, uint32 } from "../shape/fields.ts";
import { toProtoJson } from "../shape/proto-json.ts";
import { readShape } from "../shape/read-shape.ts";

const StatsShape = message({
  responsesSent: optional(counter()),
  responsesAcknowledged: optional(counter()),
  responsesRejected: optional(counter()),
});

const SubscriptionShape = message({
  id: text(),
  controlPlaneInstanceId: optional(text()),
  /** Milliseconds since 1970, as all times here. */
  connectTime: optional(timestamp()),
  disconnectTime: optional(timestamp()),
  generation: optional(uint32()),
  status: optional(
    message({
      lastUpdateTime: optional(timestamp()),
      total: optional(StatsShape),
      cds: optional(StatsShape),
      eds: optional(StatsShape),
      lds: optional(StatsShape),
      rds: optional(StatsShape),
    }),
  ),
  version: optional(
    message({
      kumaDp: optional(
        message({
          version: optional(text()),
          gitTag: optional(text()),
          gitCommit: optional(text()),
          buildDate: optional(text()),
          kumaCpCompatible: optional(flag()),
        }),
      ),
      envoy: optional(
        message({ version: optional(text()), build: optional(text()), kumaDpCompatible: optional(flag()) }),
      ),
      dependencies: optional(textMap()),
    }),
  ),
});

const InsightShape = message({
  /** Oldest first; the last one is the present. */
  subscriptions: optional(list(SubscriptionShape)),
  mTLS: optional(
    message({
      certificateExpirationTime: optional(timestamp()),
      lastCertificateRegeneration: optional(timestamp()),
      certificateRegenerations: optional(uint32()),
      issuedBackend: optional(text()),
      supportedBackends: optional(list(text())),
    }),
  ),
  /** A copy of the node metadata. */
  metadata: optional(struct()),
  openTelemetry: optional(struct()),
  /** Ours: the last configuration of each type that Envoy refused on its present stream, newest last. */
  rejections: optional(
    list(
      message({
        /** `cds`, `eds`, `lds`, `rds` or `sds`. */
        type: text(),
        /** The resource that Envoy named; absent if it named none. */
        resource: optional(text()),
        /** The policies that gave this resource one of its values, strongest first. */
        policies: optional(list(message({ type: text(), name: text() }))),
        /** Envoy's own words. */
        message: text(),
        time: timestamp(),
        /** When Envoy accepted a newer one of the type; absent while it still runs what it had before. */
        acceptedTime: optional(timestamp()),
      }),
    ),
  ),
});

export type DataplaneInsightSpec = output<typeof InsightShape>;
export type DiscoverySubscription = output<typeof SubscriptionShape>;
export type DiscoveryServiceStats = output<typeof StatsShape>;

export const DATAPLANE_INSIGHT = "DataplaneInsight";

/** What the control plane saw of a proxy's streams (contract, section 4.5). Same mesh and name as its Dataplane. */
export const dataplaneInsightType = defineResourceType<DataplaneInsightSpec>({
  name: DATAPLANE_INSIGHT,
  path: "dataplane-insights",
  pathAliases: [],
  scope: "Mesh",
  shortName: "dpi",
  singularDisplayName: "Dataplane Insight",
  pluralDisplayName: "Dataplane Insights",
  readOnly: true,
  adminOnly: false,
  internal: false,
  includeInFederation: false,
  layout: "inline",
  parse: (json) => readShape(InsightShape, json),
  toJson: (spec) => toProtoJson(InsightShape, spec),
  validate: () => [],
});
