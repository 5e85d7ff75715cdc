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
  return buildListener(name, TrafficDirection.INBOUND, input, filterOf(input, buildInboundFilter));
}

/** The listener that takes traffic from the application for one consumed service. */
export function buildOutboundListener(input: OutboundListenerInput): Listener {
  const name = outboundListenerName(input.address, input.port);
  return buildListener(name, TrafficDirection.OUTBOUND, input, filterOf(input, buildOutboundFilter));
}

function filterOf<Input extends ListenerInput>(
  { address: _address, port: _port, tags: _tags, ...input }: Input,
  build: (input: FilterInput<Input>) => Filter,
): Filter {
  return filters.get(JSON.stringify(input), () => build(input));
}

/** What of a listener shows in its filter. */
type FilterInput<Input extends ListenerInput> = Omit<Input, "address" | "port" | "tags">;

function buildInboundFilter(input: FilterInput<InboundListenerInput>): Filter {
  const { cluster, service, listener: settings } = input;
  const statPrefix = statName(cluster);
  if (!isHttp(input.protocol)) return buildTcpProxy(statPrefix, cluster, settings, "inbound");
  const name = `inbound:${service}`;
  const routeConfig = buildRouteConfig({ name, service, cluster, settings: input.route, removeHeaders: [TAGS_HEADER] });
  return buildHttpConnectionManager({ ...input, settings, statPrefix, direction: "inbound", routeConfig });
}

function buildOutboundFilter(input: FilterInput<OutboundListenerInput>): Filter {
  const { cluster, service, listener: settings } = input;
  const statPrefix = statName(service);
  if (!isHttp(input.protocol)) return buildTcpProxy(statPrefix, cluster, settings, "outbound");
  const name = `outbound:${service}`;
  const routeConfig = buildRouteConfig({ name, service, cluster, settings: input.route });
  return buildHttpConnectionManager({ ...input, settings, statPrefix, direction: "outbound", routeConfig });
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
