import { test } from "node:test";
import { HealthCheckSpecifierSchema } from "#envoy/service/health/v3/hds_pb.js";
import { buildHealthCheckSpecifier } from "../../../core/envoy/health-check-specifier.ts";
import { goldenGroup, readable } from "./golden.ts";

const golden = goldenGroup("hds");
const defaults = { interval: 1000, timeout: 2000, healthyThreshold: 1, unhealthyThreshold: 1 };

test("what Envoy is told to check", () => {
  const checks = new Map([
    [
      "localhost:6379",
      {
        address: "127.0.0.1",
        servicePort: 6379,
        probe: { interval: 1500, timeout: 250, healthyThreshold: 2, unhealthyThreshold: 3 },
      },
    ],
  ]);
  const input = { interval: 5000, defaults, noTrafficInterval: 1000 };
  golden(
    "probed",
    readable(
      HealthCheckSpecifierSchema,
      buildHealthCheckSpecifier({ ...input, admin: { path: "/run/admin.sock" }, checks }),
    ),
  );
  golden(
    "admin-only",
    readable(
      HealthCheckSpecifierSchema,
      buildHealthCheckSpecifier({ ...input, admin: { port: 9901 }, checks: new Map() }),
    ),
  );
});
