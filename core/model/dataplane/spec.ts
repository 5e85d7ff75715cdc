import { optional, type output } from "zod/mini";
import { duration, flag, list, message, oneOf, presence, struct, text, textMap, uint32 } from "../shape/fields.ts";

/** How a port of the application is tried (contract, section 5). TCP is the only kind. */
export const ServiceProbeShape = message({
  /** Milliseconds between two tries. Default 1 s. */
  interval: optional(duration()),
  /** Milliseconds to wait for an answer. Default 2 s. */
  timeout: optional(duration()),
  /** Failures in a row until not ready. Default 1. */
  unhealthyThreshold: optional(presence(uint32())),
  /** Successes in a row until ready. Default 1. */
  healthyThreshold: optional(presence(uint32())),
  tcp: optional(message({})),
});

export const InboundShape = message({
  /** Port of the listener, and of the application if `servicePort` is absent. */
  port: uint32(),
  servicePort: optional(uint32()),
  /** Where the application listens. Default 127.0.0.1. */
  serviceAddress: optional(text()),
  /** Address of the listener. Default `networking.address`. */
  address: optional(text()),
  tags: optional(textMap()),
  /** Absent means ready; `{}` means not ready. */
  health: optional(message({ ready: optional(flag()) })),
  serviceProbe: optional(ServiceProbeShape),
  state: optional(oneOf(["Ready", "NotReady", "Ignored"])),
  /** For policies and MeshServices that name the port. */
  name: optional(text()),
  /** Wins over the tag `kuma.io/protocol`. Default tcp. */
  protocol: optional(text()),
});

export const BackendRefShape = message({
  kind: text(),
  name: optional(text()),
  port: optional(uint32()),
  labels: optional(textMap()),
});

export const OutboundShape = message({
  port: uint32(),
  /** Address of the listener. Default 127.0.0.1. */
  address: optional(text()),
  tags: optional(textMap()),
  backendRef: optional(BackendRefShape),
});

export const GatewayShape = message({
  tags: optional(textMap()),
  type: optional(oneOf(["DELEGATED", "BUILTIN"])),
});

/** A zone proxy's listener (2.14). */
export const ListenerShape = message({
  type: presence(oneOf(["ZoneIngress", "ZoneEgress"])),
  address: text(),
  port: uint32(),
  name: optional(text()),
  state: optional(oneOf(["Ready", "NotReady", "Ignored"])),
});

export const TransparentProxyingShape = message({
  redirectPortInbound: optional(uint32()),
  redirectPortOutbound: optional(uint32()),
  redirectPortInboundV6: optional(uint32()),
  directAccessServices: optional(list(text())),
  reachableServices: optional(list(text())),
  ipFamilyMode: optional(oneOf(["UnSpecified", "DualStack", "IPv4", "IPv6"])),
  reachableBackends: optional(
    message({
      refs: optional(
        list(
          message({
            kind: text(),
            name: optional(text()),
            namespace: optional(text()),
            port: optional(presence(uint32())),
            labels: optional(textMap()),
          }),
        ),
      ),
    }),
  ),
});

export const NetworkingShape = message({
  /** Address on which other proxies reach this one, and of the inbound listeners. An IP address or a DNS name. */
  address: text(),
  /** What other proxies are told instead of `address`. */
  advertisedAddress: optional(text()),
  gateway: optional(GatewayShape),
  inbound: optional(list(InboundShape)),
  outbound: optional(list(OutboundShape)),
  listeners: optional(list(ListenerShape)),
  transparentProxying: optional(TransparentProxyingShape),
  /** Port of Envoy's admin interface as other machines see it. Default 9901. */
  admin: optional(message({ port: optional(uint32()) })),
});

/** The whole spec (contract, section 8.2). */
export const DataplaneShape = message({
  networking: NetworkingShape,
  metrics: optional(message({ name: optional(text()), type: optional(text()), conf: optional(struct()) })),
  probes: optional(
    message({
      port: optional(uint32()),
      endpoints: optional(
        list(message({ inboundPort: optional(uint32()), inboundPath: optional(text()), path: optional(text()) })),
      ),
    }),
  ),
  envoy: optional(message({ xdsTransportProtocolVariant: optional(oneOf(["DEFAULT", "DELTA_GRPC", "GRPC"])) })),
});

export type DataplaneSpec = output<typeof DataplaneShape>;
export type Networking = output<typeof NetworkingShape>;
export type Inbound = output<typeof InboundShape>;
export type Outbound = output<typeof OutboundShape>;
export type BackendRef = output<typeof BackendRefShape>;
export type Gateway = output<typeof GatewayShape>;
export type ZoneListener = output<typeof ListenerShape>;
export type ServiceProbe = output<typeof ServiceProbeShape>;
