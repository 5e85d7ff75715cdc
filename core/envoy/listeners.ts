import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { TrafficDirection } from "#envoy/config/core/v3/base_pb.js";
import type { FilterSchema } from "#envoy/config/listener/v3/listener_components_pb.js";
import { type Listener, ListenerSchema } from "#envoy/config/listener/v3/listener_pb.js";
import { buildHttpConnectionManager } from "./http-connection-manager.ts";
import type { InboundListenerInput, OutboundListenerInput } from "./inputs.ts";
import { inboundListenerName, outboundListenerName, statName } from "./names.ts";
import { socketAddress, tagsMetadata } from "./parts.ts";
import { isHttp } from "./protocols.ts";
import { buildRouteConfig } from "./routes.ts";
import { buildTcpProxy } from "./tcp-proxy.ts";

/** Header by which Kuma's sidecars told the tags of the caller; an application never sees it. */
const TAGS_HEADER = "x-kuma-tags";

/** The listener that takes traffic from other proxies for one port of the application. */
export function buildInboundListener(input: InboundListenerInput): Listener {
  const { cluster, service, listener: settings } = input;
  const statPrefix = statName(cluster);
  const routeConfig = () =>
    buildRouteConfig({
      name: `inbound:${service}`,
      service,
      cluster,
      settings: input.route,
      removeHeaders: [TAGS_HEADER],
    });
  const filter = isHttp(input.protocol)
    ? buildHttpConnectionManager({ ...input, settings, statPrefix, direction: "inbound", routeConfig: routeConfig() })
    : buildTcpProxy(statPrefix, cluster, settings, "inbound");
  return buildListener(inboundListenerName(input.address, input.port), TrafficDirection.INBOUND, input, filter);
}

/** The listener that takes traffic from the application for one consumed service. */
export function buildOutboundListener(input: OutboundListenerInput): Listener {
  const { cluster, service, listener: settings } = input;
  const statPrefix = statName(service);
  const routeConfig = () => buildRouteConfig({ name: `outbound:${service}`, service, cluster, settings: input.route });
  const filter = isHttp(input.protocol)
    ? buildHttpConnectionManager({ ...input, settings, statPrefix, direction: "outbound", routeConfig: routeConfig() })
    : buildTcpProxy(statPrefix, cluster, settings, "outbound");
  return buildListener(outboundListenerName(input.address, input.port), TrafficDirection.OUTBOUND, input, filter);
}

function buildListener(
  name: string,
  trafficDirection: TrafficDirection,
  input: InboundListenerInput | OutboundListenerInput,
  filter: MessageInitShape<typeof FilterSchema>,
): Listener {
  return create(ListenerSchema, {
    name,
    trafficDirection,
    address: socketAddress(input.address, input.port),
    metadata: tagsMetadata(input.tags),
    enableReusePort: input.listener.reusePort,
    filterChains: [{ filters: [filter] }],
  });
}
