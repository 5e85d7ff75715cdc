import { test } from "node:test";
import { ClusterSchema } from "#envoy/config/cluster/v3/cluster_pb.js";
import { ListenerSchema } from "#envoy/config/listener/v3/listener_pb.js";
import { buildInboundCluster, buildOutboundCluster } from "../../../core/envoy/clusters.ts";
import { buildInboundListener, buildOutboundListener } from "../../../core/envoy/listeners.ts";
import { goldenGroup, readable } from "../../core/envoy/golden.ts";
import { inboundCluster, inboundListener, outboundCluster, outboundListener } from "../../core/envoy/samples.ts";
import { effective, rules, timeout, to } from "../../core/policy/fixtures.ts";
import { dataplane } from "../../core/view/fixtures.ts";

const golden = goldenGroup("mesh-timeout");

const CONF = {
  connectionTimeout: "1s",
  idleTimeout: "2s",
  http: {
    requestTimeout: "3s",
    streamIdleTimeout: "4s",
    maxStreamDuration: "5s",
    maxConnectionDuration: "6s",
    requestHeadersTimeout: "7s",
  },
};

const policies = effective(timeout("to", to(CONF)), timeout("rules", rules(CONF))).forProxy(
  dataplane("backend-1", { inbound: [{ service: "backend" }] }),
);

for (const protocol of ["http", "tcp"] as const) {
  test(`all timeouts in the resources of a service that speaks ${protocol}`, () => {
    const inbound = policies.inbound(0).settings({ service: "backend", protocol });
    const outbound = policies.outbound.settings({ service: "backend", protocol });
    const listeners = {
      inbound: buildInboundListener(inboundListener(protocol, { listener: inbound.listener, route: inbound.route })),
      outbound: buildOutboundListener(
        outboundListener(protocol, { listener: outbound.listener, route: outbound.route }),
      ),
    };
    const clusters = {
      inbound: buildInboundCluster(inboundCluster(protocol, { cluster: inbound.cluster })),
      outbound: buildOutboundCluster(outboundCluster(protocol, { cluster: outbound.cluster })),
    };
    for (const direction of ["inbound", "outbound"] as const) {
      golden(`${protocol}.${direction}-listener`, readable(ListenerSchema, listeners[direction]));
      golden(`${protocol}.${direction}-cluster`, readable(ClusterSchema, clusters[direction]));
    }
  });
}
