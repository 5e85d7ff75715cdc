import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { AddressSchema } from "#envoy/config/core/v3/address_pb.js";
import type { HealthCheckSchema } from "#envoy/config/core/v3/health_check_pb.js";
import {
  type ClusterHealthCheckSchema,
  type HealthCheckSpecifier,
  HealthCheckSpecifierSchema,
} from "#envoy/service/health/v3/hds_pb.js";
import type { ProbeSettings } from "../model/dataplane/probes.ts";
import { ADMIN_CHECK } from "./names.ts";
import { duration, socketAddress } from "./parts.ts";

export interface TcpCheck {
  readonly address: string;
  readonly servicePort: number;
  readonly probe: ProbeSettings;
}

export interface SpecifierInput {
  /** How often Envoy reports; milliseconds. */
  readonly interval: number;
  /** Where Envoy's admin interface is: the path of a Unix socket, or a port of 127.0.0.1. */
  readonly admin: { readonly path: string } | { readonly port: number };
  /** Of the check of the admin interface. */
  readonly defaults: ProbeSettings;
  /** Pause between checks of a cluster that has had no traffic; here, every one. Milliseconds. */
  readonly noTrafficInterval: number;
  /** TCP checks, by the name under which their result is reported. */
  readonly checks: ReadonlyMap<string, TcpCheck>;
}

/** What Envoy is to check by HDS (contract, section 5). */
export function buildHealthCheckSpecifier(input: SpecifierInput): HealthCheckSpecifier {
  const { admin, defaults, noTrafficInterval } = input;
  const adminAddress: MessageInitShape<typeof AddressSchema> =
    "path" in admin
      ? { address: { case: "pipe", value: { path: admin.path } } }
      : socketAddress("127.0.0.1", admin.port);
  const checker = (probe: ProbeSettings) => ({
    timeout: duration(probe.timeout),
    interval: duration(probe.interval),
    noTrafficInterval: duration(noTrafficInterval),
    healthyThreshold: probe.healthyThreshold,
    unhealthyThreshold: probe.unhealthyThreshold,
  });
  return create(HealthCheckSpecifierSchema, {
    interval: duration(input.interval),
    clusterHealthChecks: [
      clusterCheck(ADMIN_CHECK, adminAddress, {
        ...checker(defaults),
        healthChecker: { case: "httpHealthCheck", value: { path: "/ready" } },
      }),
      ...[...input.checks].map(([name, { address, servicePort, probe }]) =>
        clusterCheck(name, socketAddress(address, servicePort), {
          ...checker(probe),
          healthChecker: { case: "tcpHealthCheck", value: {} },
        }),
      ),
    ],
  });
}

export function encodeHealthCheckSpecifier(input: SpecifierInput): Uint8Array {
  return toBinary(HealthCheckSpecifierSchema, buildHealthCheckSpecifier(input));
}

function clusterCheck(
  clusterName: string,
  address: MessageInitShape<typeof AddressSchema>,
  check: MessageInitShape<typeof HealthCheckSchema>,
): MessageInitShape<typeof ClusterHealthCheckSchema> {
  return { clusterName, healthChecks: [check], localityEndpoints: [{ endpoints: [{ address }] }] };
}
