/** The xDS types that are served over ADS, in the order in which they must reach Envoy (xds-notes, section 2). */
export const XDS_TYPES = ["cluster", "endpoint", "secret", "listener", "route"] as const;
export type XdsType = (typeof XDS_TYPES)[number];

export const TYPE_URL: Readonly<Record<XdsType, string>> = {
  cluster: "type.googleapis.com/envoy.config.cluster.v3.Cluster",
  endpoint: "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
  secret: "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
  listener: "type.googleapis.com/envoy.config.listener.v3.Listener",
  route: "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
};

/**
 * A resource encoded once and shared by every stream that sends it. The two chunks are ready to be appended to a
 * DiscoveryResponse (field `resources`, tag and length included) or a DeltaDiscoveryResponse (same field number, wrapped
 * in `Resource`). Never mutated.
 */
export interface EncodedResource {
  readonly type: XdsType;
  readonly name: string;
  /** Hash of the content: equal content has equal versions on every control plane. */
  readonly version: string;
  readonly sotwChunk: Uint8Array;
  readonly deltaChunk: Uint8Array;
}
