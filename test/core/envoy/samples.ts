import type {
  InboundClusterInput,
  InboundListenerInput,
  OutboundClusterInput,
  OutboundListenerInput,
} from "../../../core/envoy/inputs.ts";
import {
  INBOUND_CLUSTER,
  INBOUND_LISTENER,
  INBOUND_ROUTE,
  INTERNAL_CIDRS,
  OUTBOUND_CLUSTER,
  OUTBOUND_LISTENER,
  OUTBOUND_ROUTE,
} from "../../../core/envoy/settings.ts";
import type { Protocol } from "../../../core/model/dataplane/access.ts";

export function inboundListener(protocol: Protocol, more: Partial<InboundListenerInput> = {}): InboundListenerInput {
  return {
    kind: "inbound-listener",
    address: "192.168.0.1",
    port: 9000,
    tags: { "kuma.io/zone": "default", "kuma.io/service": "backend", "kuma.io/protocol": protocol },
    service: "backend",
    protocol,
    cluster: "localhost:8080",
    listener: INBOUND_LISTENER,
    route: INBOUND_ROUTE,
    internalCidrs: INTERNAL_CIDRS,
    ...more,
  };
}

export function outboundListener(protocol: Protocol, more: Partial<OutboundListenerInput> = {}): OutboundListenerInput {
  return {
    kind: "outbound-listener",
    address: "127.0.0.1",
    port: 10000,
    tags: { "kuma.io/service": "backend" },
    service: "backend",
    protocol,
    cluster: "backend",
    listener: OUTBOUND_LISTENER,
    route: OUTBOUND_ROUTE,
    internalCidrs: INTERNAL_CIDRS,
    ...more,
  };
}

export function inboundCluster(protocol: Protocol, more: Partial<InboundClusterInput> = {}): InboundClusterInput {
  return {
    kind: "inbound-cluster",
    name: "localhost:8080",
    address: "127.0.0.1",
    port: 8080,
    protocol,
    cluster: INBOUND_CLUSTER,
    ...more,
  };
}

export function outboundCluster(protocol: Protocol, more: Partial<OutboundClusterInput> = {}): OutboundClusterInput {
  return { kind: "outbound-cluster", name: "backend", protocol, cluster: OUTBOUND_CLUSTER, ...more };
}
