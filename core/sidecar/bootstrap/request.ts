import { existsSync, readFileSync } from "node:fs";
import { platform } from "node:os";
import { VERSION } from "../../kernel/runtime.ts";
import { FAILURES_FEATURE } from "../../model/request-failure.ts";
import type { EnvoyVersion } from "../envoy/envoy-version.ts";

export interface BootstrapInputs {
  readonly mesh: string;
  readonly name: string;
  readonly token: string | undefined;
  /** Direct: the definition. Indirect: undefined. */
  readonly definition: Readonly<Record<string, unknown>> | undefined;
  readonly envoy: EnvoyVersion;
  readonly caPem: string;
  readonly readinessPort: number;
  /** Directory of the sockets, absolute and short. */
  readonly workDir: string;
  readonly delta: boolean;
  readonly ipv6: boolean;
  /** Empty: found. */
  readonly systemCaPath: string;
  /** Bytes; 0: the limit of the cgroup, if it has one. */
  readonly maxMemory: number;
  readonly hostIp: string | undefined;
}

/** Tells the control plane that Envoy's streams come through this supervisor, so that it may leave out what only they needed. */
export const RELAY_FEATURE = "feature-monomesh-relay";

/** The body of `POST /bootstrap` (contract, section 3.1). Advertises only what is done here. */
export function buildBootstrapRequest(inputs: BootstrapInputs): Record<string, unknown> {
  return {
    mesh: inputs.mesh,
    name: inputs.name,
    proxyType: "dataplane",
    ...(inputs.token === undefined ? {} : { dataplaneToken: inputs.token }),
    ...(inputs.definition === undefined ? {} : { dataplaneResource: JSON.stringify(inputs.definition) }),
    version: {
      // Not a bare 0.1.0: a stock control plane would compare it with its own version and call it incompatible.
      kumaDp: { version: `monomesh-${VERSION}`, gitTag: "", gitCommit: "", buildDate: "" },
      envoy: { version: inputs.envoy.version, build: inputs.envoy.build, kumaDpCompatible: true },
    },
    caCert: inputs.caPem,
    dynamicMetadata: inputs.hostIp === undefined ? null : { HOST_IP: inputs.hostIp },
    readinessPort: inputs.readinessPort,
    operatingSystem: platform(),
    // `feature-reuse-port` lets an Envoy take over from the one a killed supervisor left, without a gap; ports are tried
    // exclusively before, so that two sidecars never share one.
    features: ["feature-reuse-port", RELAY_FEATURE, FAILURES_FEATURE, ...(inputs.delta ? ["feature-delta-grpc"] : [])],
    resources: { maxHeapSizeBytes: inputs.maxMemory || cgroupMemoryLimit() },
    workdir: inputs.workDir,
    metricsResources: { certPath: "", keyPath: "" },
    systemCaPath: inputs.systemCaPath || systemCaPath(),
    ipv6Enabled: inputs.ipv6,
  };
}

const CGROUP_LIMITS = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];

/** Bytes; 0 without a limit. */
function cgroupMemoryLimit(): number {
  for (const file of CGROUP_LIMITS) {
    try {
      const limit = Number(readFileSync(file, "utf8").trim());
      if (Number.isSafeInteger(limit)) return limit;
    } catch {
      // The other kind of cgroup, or none.
    }
  }
  return 0;
}

const SYSTEM_BUNDLES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

function systemCaPath(): string {
  return SYSTEM_BUNDLES.find((file) => existsSync(file)) ?? "";
}
