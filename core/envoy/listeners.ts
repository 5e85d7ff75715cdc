import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { TrafficDirection } from "#envoy/config/core/v3/base_pb.js";
import type { FilterSchema } from "#envoy/config/listener/v3/listener_components_pb.js";
import { type Listener, ListenerSchema } from "#envoy/config/listener/v3/listener_pb.js";
import { Memo } from "../kernel/memo.ts";
import { buildHttpConnectionManager } from "./http-connection-manager.ts";
import type { InboundListenerInput, OutboundListenerInput } from "./inputs.ts";
import { inboundListenerName, outboundListenerName, statName } from "./names.ts";
import { socketAddress, tagsMetadata } from "./parts.ts";
import { isHttp } from "./protocols.ts";
import { buildRouteConfig } from "./routes.ts";
import { buildTcpProxy } from "./tcp-proxy.ts";

/** Header by which Kuma's sidecars told the tags of the caller; an application never sees it. */
const TAGS_HEADER = "x-kuma-tags";

type ListenerInput = InboundListenerInput | OutboundListenerInput;
type Filter = MessageInitShape<typeof FilterSchema>;

/**
 * The instances of a service, and the consumers of one, differ in the address of the listener. Its filter is the same, and
 * most of the work; a policy that changes it changes it for all of them. In use are some for each service.
 */
const filters = new Memo<string, Filter>(4000);

/** The listener that takes traffic from other proxies for one port of the application. */
export function buildInboundListener(input: InboundListenerInput): Listener {
  const name = inboundListenerName(input.address, input.port);
  return buildListener(name, TrafficDirection.INBOUND, input, filterOf(input));
}

/** The listener that takes traffic from the application for one consumed service. */
export function buildOutboundListener(input: OutboundListenerInput): Listener {
  const name = outboundListenerName(input.address, input.port);
  return buildListener(name, TrafficDirection.OUTBOUND, input, filterOf(input));
}

function filterOf({ address: _address, port: _port, tags: _tags, ...shown }: ListenerInput): Filter {
  return filters.get(JSON.stringify(shown), () => buildFilter(shown));
}

/** What of a listener shows in its filter is the input; the place of the listener is not. */
function buildFilter(input: Omit<ListenerInput, "address" | "port" | "tags">): Filter {
  const { cluster, service, listener: settings } = input;
  const inbound = input.kind === "inbound-listener";
  const direction = inbound ? "inbound" : "outbound";
  const statPrefix = statName(inbound ? cluster : service);
  if (!isHttp(input.protocol)) return buildTcpProxy(statPrefix, cluster, settings, direction);
  const routeConfig = buildRouteConfig({
    name: `${direction}:${service}`,
    service,
    cluster,
    settings: input.route,
    removeHeaders: inbound ? [TAGS_HEADER] : [],
  });
  return buildHttpConnectionManager({ ...input, settings, statPrefix, direction, routeConfig });
}

function buildListener(
  name: string,
  trafficDirection: TrafficDirection,
  input: ListenerInput,
  filter: Filter,
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
