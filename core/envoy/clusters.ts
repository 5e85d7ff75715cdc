import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { AnySchema } from "@bufbuild/protobuf/wkt";
import type { CircuitBreakersSchema } from "#envoy/config/cluster/v3/circuit_breaker_pb.js";
import { type Cluster, Cluster_DiscoveryType, ClusterSchema } from "#envoy/config/cluster/v3/cluster_pb.js";
import { ApiVersion } from "#envoy/config/core/v3/config_source_pb.js";
import { HttpProtocolOptionsSchema } from "#envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js";
import type { InboundClusterInput, OutboundClusterInput } from "./inputs.ts";
import { statName } from "./names.ts";
import { duration, optionalDuration, pack, socketAddress } from "./parts.ts";
import { isHttp, isHttp2 } from "./protocols.ts";
import type { ClusterSettings } from "./settings.ts";

/** The cluster with one port of the application beside the proxy. */
export function buildInboundCluster(input: InboundClusterInput): Cluster {
  const endpoint = { address: socketAddress(input.address, input.port) };
  return create(ClusterSchema, {
    name: input.name,
    altStatName: statName(input.name),
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.STATIC },
    connectTimeout: duration(input.cluster.connectTimeout),
    loadAssignment: {
      clusterName: input.name,
      endpoints: [{ lbEndpoints: [{ hostIdentifier: { case: "endpoint", value: endpoint } }] }],
    },
    circuitBreakers: circuitBreakers(input.cluster),
    typedExtensionProtocolOptions: isHttp(input.protocol) ? httpOptions(input.cluster, isHttp2(input.protocol)) : {},
  });
}

/** The cluster of a consumed service. Sidecars speak HTTP/2 with each other for all kinds of HTTP. */
export function buildOutboundCluster(input: OutboundClusterInput): Cluster {
  return create(ClusterSchema, {
    name: input.name,
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: {
      edsConfig: { configSourceSpecifier: { case: "ads", value: {} }, resourceApiVersion: ApiVersion.V3 },
    },
    connectTimeout: duration(input.cluster.connectTimeout),
    circuitBreakers: circuitBreakers(input.cluster),
    typedExtensionProtocolOptions: isHttp(input.protocol) ? httpOptions(input.cluster, true) : {},
  });
}

function httpOptions(settings: ClusterSettings, http2: boolean): Record<string, MessageInitShape<typeof AnySchema>> {
  return {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": pack(HttpProtocolOptionsSchema, {
      commonHttpProtocolOptions: {
        idleTimeout: duration(settings.idleTimeout),
        maxStreamDuration: optionalDuration(settings.maxStreamDuration),
        maxConnectionDuration: optionalDuration(settings.maxConnectionDuration),
      },
      upstreamProtocolOptions: {
        case: "explicitHttpConfig",
        value: {
          protocolConfig: http2
            ? { case: "http2ProtocolOptions", value: { allowConnect: true } }
            : { case: "httpProtocolOptions", value: {} },
        },
      },
    }),
  };
}

function circuitBreakers({
  circuitBreaker,
}: ClusterSettings): MessageInitShape<typeof CircuitBreakersSchema> | undefined {
  return circuitBreaker && { thresholds: [{ ...circuitBreaker }] };
}
