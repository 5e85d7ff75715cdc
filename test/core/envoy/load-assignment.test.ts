import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { HealthStatus } from "#envoy/config/core/v3/health_check_pb.js";
import { ClusterLoadAssignmentSchema } from "#envoy/config/endpoint/v3/endpoint_pb.js";
import { encodeResource } from "../../../core/envoy/encode.ts";
import { buildLoadAssignment } from "../../../core/envoy/load-assignment.ts";
import type { Endpoint } from "../../../core/view/endpoint.ts";
import { goldenGroup, readable } from "./golden.ts";

const golden = goldenGroup("endpoints");

function endpoint(index: number, more: Partial<Endpoint> = {}): Endpoint {
  return {
    service: "backend",
    proxy: `backend-${index}`,
    index: 0,
    address: `192.168.0.${index}`,
    port: 9000,
    zone: "default",
    health: "healthy",
    tags: { "kuma.io/zone": "default", "kuma.io/service": "backend", version: "2", a: "ä" },
    labels: {},
    ...more,
  };
}

/** The same assignment by the generated messages: slow, and not ours to get wrong. */
function expected(clusterName: string, endpoints: readonly Endpoint[]) {
  const zones = Map.groupBy(endpoints, ({ zone }) => zone);
  return create(ClusterLoadAssignmentSchema, {
    clusterName,
    endpoints: [...zones].map(([zone, members]) => ({
      ...(zone === "" ? {} : { locality: { zone } }),
      lbEndpoints: members.map((member) => ({
        hostIdentifier: {
          case: "endpoint" as const,
          value: {
            address: {
              address: {
                case: "socketAddress" as const,
                value: { address: member.address, portSpecifier: { case: "portValue" as const, value: member.port } },
              },
            },
          },
        },
        healthStatus: member.health === "healthy" ? HealthStatus.HEALTHY : HealthStatus.DEGRADED,
        loadBalancingWeight: 1,
        metadata: { filterMetadata: metadata(member) },
      })),
    })),
    policy: { overprovisioningFactor: 1_000_000 },
  } satisfies MessageInitShape<typeof ClusterLoadAssignmentSchema>);
}

function metadata({ tags, labels }: Endpoint) {
  const sorted = (values: Readonly<Record<string, string>>) =>
    Object.fromEntries(
      Object.entries(values)
        .filter(([name]) => name !== "kuma.io/service")
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    );
  return {
    "envoy.lb": sorted(tags),
    "envoy.transport_socket_match": sorted(tags),
    ...(Object.keys(labels).length > 0 ? { "io.kuma.labels": sorted(labels) } : {}),
  };
}

const SAMPLES: Readonly<Record<string, readonly Endpoint[]>> = {
  empty: [],
  one: [endpoint(1)],
  "last-choice": [endpoint(1), endpoint(2, { health: "degraded" })],
  zones: [endpoint(1, { zone: "" }), endpoint(2, { zone: "east" }), endpoint(3, { zone: "east" }), endpoint(4)].sort(
    (a, b) => (a.zone < b.zone ? -1 : a.zone > b.zone ? 1 : 0),
  ),
  plain: [endpoint(1, { tags: { "kuma.io/service": "backend" }, address: "fd00::1", port: 1 })],
  labels: [endpoint(1, { labels: { "kuma.io/mesh": "default", team: "", app: "x" }, port: 65535 })],
};

for (const [name, endpoints] of Object.entries(SAMPLES)) {
  test(`hand-written and generated encoding agree: ${name}`, () => {
    const message = expected("backend", endpoints);
    assert.deepEqual(
      buildLoadAssignment("backend", endpoints),
      encodeResource("endpoint", "backend", toBinary(ClusterLoadAssignmentSchema, message)),
    );
    golden(name, readable(ClusterLoadAssignmentSchema, message));
  });
}

test("hand-written and generated encoding agree on assignments of every size", () => {
  for (const size of [2, 10, 100, 1000]) {
    const long = "x".repeat(size);
    const endpoints = Array.from({ length: size }, (_, index) =>
      endpoint(index, { address: `10.0.${index >> 8}.${index & 255}`, labels: { [long]: long } }),
    );
    const name = `backend-${long}`;
    const content = toBinary(ClusterLoadAssignmentSchema, expected(name, endpoints));
    assert.deepEqual(buildLoadAssignment(name, endpoints), encodeResource("endpoint", name, content));
  }
});

test("a subset holds the endpoints that carry all of its tags", () => {
  const old = endpoint(1, { tags: { "kuma.io/service": "backend", version: "1" } });
  const fresh = endpoint(2, { tags: { "kuma.io/service": "backend", version: "2", canary: "yes" } });
  const named = (subset: Record<string, string>) => buildLoadAssignment("subset", [old, fresh], subset);
  assert.deepEqual(named({ version: "1" }), buildLoadAssignment("subset", [old]));
  assert.deepEqual(named({ canary: "yes", version: "2" }), buildLoadAssignment("subset", [fresh]));
  assert.deepEqual(named({ version: "*" }), buildLoadAssignment("subset", [old, fresh]));
  assert.deepEqual(named({ canary: "*" }), buildLoadAssignment("subset", [fresh]));
  assert.deepEqual(named({ version: "3" }), buildLoadAssignment("subset", []));
});

test("of several proxies at one address and port the healthy one counts", () => {
  const lost = endpoint(1, { proxy: "a", health: "degraded" });
  const here = endpoint(1, { proxy: "b" });
  const other = endpoint(2);
  assert.deepEqual(buildLoadAssignment("backend", [lost, here, other]), buildLoadAssignment("backend", [here, other]));
  assert.deepEqual(
    buildLoadAssignment("backend", [here, { ...here, proxy: "c" }]),
    buildLoadAssignment("backend", [here]),
  );
});
