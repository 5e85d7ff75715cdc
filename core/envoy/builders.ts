import { toBinary } from "@bufbuild/protobuf";
import { ClusterSchema } from "#envoy/config/cluster/v3/cluster_pb.js";
import { ListenerSchema } from "#envoy/config/listener/v3/listener_pb.js";
import { buildInboundCluster, buildOutboundCluster } from "./clusters.ts";
import { encodeResource } from "./encode.ts";
import type { EncodedResource } from "./encoded-resource.ts";
import type { ResourceInput } from "./inputs.ts";
import { buildInboundListener, buildOutboundListener } from "./listeners.ts";

/** Builds and encodes one resource. Everything that needs generated messages is behind this function. */
export function buildResource(input: ResourceInput): EncodedResource {
  switch (input.kind) {
    case "inbound-listener":
    case "outbound-listener": {
      const listener = input.kind === "inbound-listener" ? buildInboundListener(input) : buildOutboundListener(input);
      return encodeResource("listener", listener.name, toBinary(ListenerSchema, listener));
    }
    case "inbound-cluster":
    case "outbound-cluster": {
      const cluster = input.kind === "inbound-cluster" ? buildInboundCluster(input) : buildOutboundCluster(input);
      return encodeResource("cluster", cluster.name, toBinary(ClusterSchema, cluster));
    }
  }
}
