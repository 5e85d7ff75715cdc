import { INCARNATION_KEY } from "../../model/incarnation.ts";
import type { BootstrapRequest, Json } from "./bootstrap-request.ts";

/** Where Envoy's admin interface will be. */
export interface AdminPlace {
  readonly address: string;
  readonly port: number;
  /** Path of the Unix socket; undefined: TCP. */
  readonly socketPath: string | undefined;
}

export interface NodeFacts {
  readonly request: BootstrapRequest;
  /** JSON of the Dataplane that the sidecar brings; undefined for Indirect. */
  readonly definition: string | undefined;
  readonly admin: AdminPlace;
  readonly readinessPort: number;
  readonly incarnation: string;
}

/**
 * Metadata that comes back in the first message of each stream (contract, section 3.4). Ports are text there. The token is
 * not among it: it ends up in DataplaneInsights, which everybody may read.
 */
export function buildNodeMetadata({ request, definition, admin, readinessPort, incarnation }: NodeFacts): Json {
  return compact({
    version: request.version,
    features: request.features,
    workdir: request.workdir,
    metricsCertPath: request.metricsCertPath,
    metricsKeyPath: request.metricsKeyPath,
    systemCaPath: request.systemCaPath,
    ipv6Enabled: request.ipv6Enabled,
    "spireAgent.socketPath": request.spireSocketPath,
    "dataplane.admin.port": String(admin.port),
    "dataplane.admin.address": admin.address,
    "dataplane.admin.socketPath": admin.socketPath,
    "dataplane.resource": definition,
    "dataplane.dns.port": request.dnsPort === 0 ? undefined : String(request.dnsPort),
    "dataplane.readinessReporter.port": String(readinessPort),
    "dataplane.appProbeProxy.enabled": request.appProbeProxy ? "true" : undefined,
    "dataplane.proxyType": request.proxyType,
    dynamicMetadata: Object.keys(request.dynamicMetadata).length > 0 ? request.dynamicMetadata : undefined,
    transparentProxy: request.transparentProxy,
    otelEnvInventory: request.otelEnv,
    [INCARNATION_KEY]: incarnation,
  });
}

function compact(json: Json): Json {
  return Object.fromEntries(Object.entries(json).filter(([, value]) => value !== undefined));
}
