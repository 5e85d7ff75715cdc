import type { Protocol, Tags } from "../model/dataplane/access.ts";
import type { ClusterSettings, ListenerSettings, RouteSettings } from "./settings.ts";

/** All that an inbound listener depends on. */
export interface InboundListenerInput {
  readonly kind: "inbound-listener";
  /** IP address and port it listens on; the name follows from them. */
  readonly address: string;
  readonly port: number;
  /** Shown as the metadata `io.kuma.tags`. */
  readonly tags: Tags;
  /** Names the route; the cluster's name if the inbound belongs to no service. */
  readonly service: string;
  readonly protocol: Protocol;
  /** Cluster that traffic goes to. */
  readonly cluster: string;
  readonly listener: ListenerSettings;
  readonly route: RouteSettings;
  readonly internalCidrs: readonly string[];
}

/** All that the cluster of one application port depends on. */
export interface InboundClusterInput {
  readonly kind: "inbound-cluster";
  readonly name: string;
  /** IP address and port of the application. */
  readonly address: string;
  readonly port: number;
  readonly protocol: Protocol;
  readonly cluster: ClusterSettings;
}

/** All that an outbound listener depends on. Nothing of the consuming proxy is in it, so that consumers share it. */
export interface OutboundListenerInput {
  readonly kind: "outbound-listener";
  readonly address: string;
  readonly port: number;
  /** Shown as the metadata `io.kuma.tags`. */
  readonly tags: Tags;
  readonly service: string;
  /** Of the service. */
  readonly protocol: Protocol;
  readonly cluster: string;
  readonly listener: ListenerSettings;
  readonly route: RouteSettings;
  readonly internalCidrs: readonly string[];
}

/** All that the cluster of a consumed service depends on; its endpoints come as a ClusterLoadAssignment of the same name. */
export interface OutboundClusterInput {
  readonly kind: "outbound-cluster";
  readonly name: string;
  readonly protocol: Protocol;
  readonly cluster: ClusterSettings;
}

/** What a built resource depends on, as plain data: equal inputs give equal bytes, so their JSON is the key of sharing. */
export type ResourceInput = InboundListenerInput | InboundClusterInput | OutboundListenerInput | OutboundClusterInput;
