import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { HealthStatus } from "#envoy/config/core/v3/health_check_pb.js";
import { HealthCheckRequestOrEndpointHealthResponseSchema as Schema } from "#envoy/service/health/v3/hds_pb.js";
import { readHdsNode, readHdsReport } from "../../../core/xds/hds-messages.ts";

const encode = (init: MessageInitShape<typeof Schema>) => toBinary(Schema, create(Schema, init));

const report = (statuses: Readonly<Record<string, readonly HealthStatus[]>>) =>
  encode({
    requestType: {
      case: "endpointHealthResponse",
      value: {
        // Envoy repeats all of it without names.
        endpointsHealth: [{ healthStatus: HealthStatus.UNHEALTHY }],
        clusterEndpointsHealth: Object.entries(statuses).map(([clusterName, all]) => ({
          clusterName,
          localityEndpointsHealth: all.map((healthStatus) => ({
            locality: { zone: "z" },
            endpointsHealth: [{ endpoint: { hostname: "h" }, healthStatus }],
          })),
        })),
      },
    },
  });

test("a report: HEALTHY and UNKNOWN count as healthy, and all endpoints must be", () => {
  const { HEALTHY, UNKNOWN, UNHEALTHY, TIMEOUT, DRAINING, DEGRADED } = HealthStatus;
  const message = report({
    a: [HEALTHY],
    b: [UNKNOWN],
    c: [UNHEALTHY],
    d: [TIMEOUT],
    e: [HEALTHY, UNHEALTHY],
    f: [DRAINING],
    g: [DEGRADED],
    h: [],
  });
  const healthy = readHdsReport(message)?.flatMap((each) => (each.healthy ? [each.cluster] : []));
  assert.deepEqual(healthy, ["a", "b", "h"]);
  assert.equal(readHdsNode(message), undefined);
});

test("a request carries the node and no report", () => {
  const message = encode({
    requestType: {
      case: "healthCheckRequest",
      value: { node: { id: "default.redis", metadata: { "dataplane.admin.port": "9901" } } },
    },
  });
  const node = readHdsNode(message);
  assert.deepEqual([node?.id, node?.metadata], ["default.redis", { "dataplane.admin.port": "9901" }]);
  assert.equal(readHdsReport(message), undefined);
  assert.throws(() => readHdsReport(Buffer.from("hello")), { code: "MM400" });
  assert.equal(readHdsNode(new Uint8Array()), undefined);
});
