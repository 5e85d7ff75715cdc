import assert from "node:assert/strict";
import { test } from "node:test";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { ClusterSchema } from "#envoy/config/cluster/v3/cluster_pb.js";
import { FilterSchema } from "#envoy/config/listener/v3/listener_components_pb.js";
import { type Listener, ListenerSchema } from "#envoy/config/listener/v3/listener_pb.js";
import { buildResource } from "../../../core/envoy/builders.ts";
import { buildInboundCluster, buildOutboundCluster } from "../../../core/envoy/clusters.ts";
import { buildInboundListener, buildOutboundListener } from "../../../core/envoy/listeners.ts";
import { INBOUND_LISTENER, OUTBOUND_LISTENER } from "../../../core/envoy/settings.ts";
import { PROTOCOLS } from "../../../core/model/dataplane/access.ts";
import { goldenGroup, readable } from "./golden.ts";
import { inboundCluster, inboundListener, outboundCluster, outboundListener } from "./samples.ts";

const golden = goldenGroup("sidecar");

for (const protocol of PROTOCOLS) {
  test(`the resources of a service that speaks ${protocol}`, () => {
    golden(`${protocol}.inbound-listener`, readable(ListenerSchema, buildInboundListener(inboundListener(protocol))));
    golden(`${protocol}.inbound-cluster`, readable(ClusterSchema, buildInboundCluster(inboundCluster(protocol))));
    golden(
      `${protocol}.outbound-listener`,
      readable(ListenerSchema, buildOutboundListener(outboundListener(protocol))),
    );
    golden(`${protocol}.outbound-cluster`, readable(ClusterSchema, buildOutboundCluster(outboundCluster(protocol))));
  });
}

test("every setting reaches its field", () => {
  const listener = {
    reusePort: true,
    idleTimeout: 1500,
    maxConnectAttempts: 2,
    streamIdleTimeout: 2500,
    requestHeadersTimeout: 500,
    explainReplies: "host",
    failureLog: true,
  } as const;
  const retry = { on: ["connect-failure"], numRetries: 1, backOffBase: 10, backOffMax: 20 };
  const cluster = {
    connectTimeout: 250,
    idleTimeout: 750,
    maxStreamDuration: 3500,
    maxConnectionDuration: 4500,
    circuitBreaker: undefined,
  };
  golden(
    "settings.listener",
    readable(
      ListenerSchema,
      buildOutboundListener(outboundListener("http", { listener, route: { requestTimeout: 0, retry } })),
    ),
  );
  golden("settings.cluster", readable(ClusterSchema, buildOutboundCluster(outboundCluster("http", { cluster }))));
});

test("a sidecar of ours explains what it answers itself, and reports failures", () => {
  for (const protocol of ["grpc", "tcp"] as const) {
    const ours = { explainReplies: "dataplane", failureLog: true } as const;
    const inbound = inboundListener(protocol, { listener: { ...INBOUND_LISTENER, ...ours } });
    const outbound = outboundListener(protocol, { listener: { ...OUTBOUND_LISTENER, ...ours } });
    golden(`ours.${protocol}.inbound-listener`, readable(ListenerSchema, buildInboundListener(inbound)));
    golden(`ours.${protocol}.outbound-listener`, readable(ListenerSchema, buildOutboundListener(outbound)));
  }
});

test("listeners of other addresses, ports and tags share their filter; whatever else differs shows in it", () => {
  const filterOf = (listener: Listener) => {
    const filter = listener.filterChains[0]?.filters[0];
    return Buffer.from(toBinary(FilterSchema, filter ?? assert.fail("no filter"))).toString("hex");
  };
  const place = { address: "10.9.8.7", port: 7, tags: { "kuma.io/service": "other" } };
  const retry = { on: ["reset"], numRetries: 1, backOffBase: 10, backOffMax: 20 };
  const changes = {
    service: "other",
    protocol: "grpc",
    cluster: "localhost:1",
    internalCidrs: ["10.0.0.0/8"],
    route: { requestTimeout: 7, retry },
    listener: { ...INBOUND_LISTENER, streamIdleTimeout: 7 },
  } as const;
  const inbound = filterOf(buildInboundListener(inboundListener("http")));
  const outbound = filterOf(buildOutboundListener(outboundListener("http")));
  assert.equal(filterOf(buildInboundListener(inboundListener("http", place))), inbound);
  assert.equal(filterOf(buildOutboundListener(outboundListener("http", place))), outbound);
  const same = { service: "s", cluster: "s", listener: INBOUND_LISTENER, route: { requestTimeout: 1, retry } };
  const filters = [
    inbound,
    outbound,
    filterOf(buildInboundListener(inboundListener("http", same))),
    filterOf(buildOutboundListener(outboundListener("http", same))),
  ];
  for (const [field, value] of Object.entries(changes)) {
    filters.push(filterOf(buildInboundListener(inboundListener("http", { [field]: value }))));
    filters.push(filterOf(buildOutboundListener(outboundListener("http", { [field]: value }))));
  }
  assert.equal(new Set(filters).size, filters.length);
});

test("IPv6 addresses stand in brackets in names only", () => {
  const listener = buildInboundListener(inboundListener("tcp", { address: "fd00::1" }));
  assert.equal(listener.name, "inbound:[fd00::1]:9000");
  const address = listener.address?.address;
  assert.equal(address?.case === "socketAddress" && address.value.address, "fd00::1");
});

test("reuse of the port is said explicitly, also when it is off", () => {
  for (const reusePort of [true, false]) {
    const inbound = inboundListener("tcp", { listener: { ...INBOUND_LISTENER, reusePort } });
    const outbound = outboundListener("tcp", { listener: { ...OUTBOUND_LISTENER, reusePort } });
    assert.equal(buildInboundListener(inbound).enableReusePort, reusePort);
    assert.equal(buildOutboundListener(outbound).enableReusePort, reusePort);
  }
});

test("the order of tags in a definition does not change the bytes", () => {
  const one = buildResource(outboundListener("http", { tags: { "kuma.io/service": "backend", version: "2" } }));
  const two = buildResource(outboundListener("http", { tags: { version: "2", "kuma.io/service": "backend" } }));
  assert.deepEqual(one, two);
});

test("a built resource is what its chunks carry", () => {
  const input = outboundCluster("grpc");
  const resource = buildResource(input);
  assert.equal(resource.name, "backend");
  assert.equal(resource.type, "cluster");
  const content = toBinary(ClusterSchema, buildOutboundCluster(input));
  const at = Buffer.from(resource.sotwChunk).indexOf(content);
  assert.ok(at > 0);
  assert.equal(fromBinary(ClusterSchema, resource.sotwChunk.subarray(at)).name, "backend");
});
