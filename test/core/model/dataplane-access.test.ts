import assert from "node:assert/strict";
import { test } from "node:test";
import { canonicalHost, isLoopback, isWildcard } from "../../../core/model/ip-address.ts";
import {
  type DataplaneSpec,
  firstService,
  type Inbound,
  inboundAddress,
  isReady,
  outboundsOf,
  probeSettings,
  protocolOf,
  reachableAddress,
  serviceAddress,
  servicePort,
  servicesOf,
  tagsOf,
} from "../../../core/model/types/dataplane.ts";

const dp: DataplaneSpec = {
  networking: {
    address: "10.0.0.1",
    inbound: [
      { port: 80, tags: { "kuma.io/service": "web", "kuma.io/protocol": "http", version: "1" } },
      {
        port: 81,
        servicePort: 8081,
        serviceAddress: "10.0.0.9",
        address: "10.0.0.2",
        tags: { "kuma.io/service": "api" },
      },
      { port: 82, tags: { "kuma.io/service": "web", version: "2" }, protocol: "grpc" },
    ],
    outbound: [
      { port: 1, tags: { "kuma.io/service": "redis" } },
      { port: 2, address: "127.0.0.2", backendRef: { kind: "MeshService", name: "x", port: 1 } },
    ],
  },
};
const [web, api, grpc] = dp.networking.inbound as [Inbound, Inbound, Inbound];

test("addresses and ports of inbounds, with their defaults", () => {
  assert.deepEqual([inboundAddress(dp, web), servicePort(web), serviceAddress(web)], ["10.0.0.1", 80, "127.0.0.1"]);
  assert.deepEqual([inboundAddress(dp, api), servicePort(api), serviceAddress(api)], ["10.0.0.2", 8081, "10.0.0.9"]);
  assert.equal(reachableAddress(dp, api), "10.0.0.2");
  const advertised = { networking: { ...dp.networking, advertisedAddress: "1.2.3.4" } };
  assert.equal(reachableAddress(advertised, api), "1.2.3.4");
});

test("protocols: the field, then the tag, then tcp", () => {
  assert.deepEqual([web, api, grpc].map(protocolOf), ["http", "tcp", "grpc"]);
});

test("services and tags", () => {
  assert.deepEqual(servicesOf(dp), ["web", "api"]);
  assert.equal(firstService(dp), "web");
  assert.deepEqual([...(tagsOf(dp).get("version") ?? [])], ["1", "2"]);
  const gateway: DataplaneSpec = {
    networking: { address: "1.1.1.1", gateway: { tags: { "kuma.io/service": "edge" } } },
  };
  assert.deepEqual(servicesOf(gateway), ["edge"]);
  assert.equal(firstService({ networking: { address: "1.1.1.1" } }), undefined);
});

test("outbounds with their defaults", () => {
  assert.deepEqual(
    outboundsOf(dp).map(({ address, port, service }) => [address, port, service]),
    [
      ["127.0.0.1", 1, "redis"],
      ["127.0.0.2", 2, undefined],
    ],
  );
});

test("readiness as the definition says it", () => {
  assert.ok(isReady({ port: 1 }));
  assert.ok(isReady({ port: 1, state: "Ignored", health: { ready: true } }));
  assert.ok(!isReady({ port: 1, health: {} }));
  assert.ok(!isReady({ port: 1, state: "NotReady" }));
});

test("probe defaults", () => {
  assert.deepEqual(probeSettings({}), { interval: 1000, timeout: 2000, healthyThreshold: 1, unhealthyThreshold: 1 });
});

test("addresses are compared in one spelling", () => {
  assert.equal(canonicalHost("0:0:0:0:0:0:0:1"), "::1");
  assert.equal(canonicalHost("::ffff:127.0.0.1"), "127.0.0.1");
  assert.equal(canonicalHost("2001:DB8::0001"), "2001:db8::1");
  assert.equal(canonicalHost("LocalHost"), "127.0.0.1");
  assert.ok(isWildcard("::0") && isWildcard("0.0.0.0") && !isWildcard("0.0.0.1"));
  assert.ok(
    isLoopback("127.9.9.9") &&
      isLoopback("::ffff:127.0.0.1") &&
      !isLoopback("128.0.0.1") &&
      !isLoopback("127.example.com"),
  );
});
