import { MeshError } from "../../kernel/errors.ts";
import { FAILURE_LOG_CLUSTER } from "../../model/request-failure.ts";
import { isObject } from "./response.ts";

type Json = Record<string, unknown>;

export const ADS_CLUSTER = "ads_cluster";
const UNUSED_SECRET = "cp_validation_ctx";

/** Envoy opens a stream again after this; how often the control plane is asked is the relay's business. */
const STREAM_RETRY = { retryBackOff: { baseInterval: "0.05s", maxInterval: "1s" } };

/** A worker that does nothing for this long never will again: Envoy ends itself, and the supervisor starts another. */
const WORKER_WATCHDOG = { workerWatchdog: { killTimeout: "60s" } };

/**
 * Points Envoy at the supervisor's socket instead of the control plane: `ads_cluster` becomes the socket, without TLS, and
 * so does the cluster to which failed requests are reported; a worker that hangs ends Envoy;
 * credentials go; a Google gRPC service (reloadable tokens of a stock control plane) becomes Envoy's own. All else stays
 * as it came. MM121 if the token is still in it afterwards: it must reach neither Envoy nor the disk.
 */
export function rewriteBootstrap(bootstrap: Json, relaySocket: string, token: string | undefined): Json {
  const rewritten = withGrpcServices(bootstrap) as Json;
  const staticKey = "static_resources" in rewritten ? "static_resources" : "staticResources";
  const statics = isObject(rewritten[staticKey]) ? rewritten[staticKey] : {};
  const others = list(statics["clusters"]).filter((cluster) => !(isObject(cluster) && cluster["name"] === ADS_CLUSTER));
  const secrets = list(statics["secrets"]).filter((secret) => !(isObject(secret) && secret["name"] === UNUSED_SECRET));
  const { secrets: _, ...rest } = statics;
  const result: Json = {
    ...("watchdog" in rewritten ? {} : { watchdogs: WORKER_WATCHDOG }),
    ...rewritten,
    [staticKey]: {
      ...rest,
      clusters: [...others, relayCluster(ADS_CLUSTER, relaySocket), relayCluster(FAILURE_LOG_CLUSTER, relaySocket)],
      ...(secrets.length > 0 ? { secrets } : {}),
    },
  };
  if (token && JSON.stringify(result).includes(token)) {
    throw new MeshError("MM121", "the control plane's bootstrap for Envoy holds the token in an unknown place", {
      why: "It would reach Envoy's configuration and the disk. Nothing was started.",
    });
  }
  return result;
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Rewrites every gRPC service of the bootstrap: those of ADS and HDS are the only ones a control plane puts there. */
function withGrpcServices(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withGrpcServices);
  if (!isObject(value)) return value;
  const result: Json = {};
  for (const [key, inner] of Object.entries(value)) {
    const services = (key === "grpcServices" || key === "grpc_services") && Array.isArray(inner);
    result[key] = services ? inner.map(relayed) : withGrpcServices(inner);
  }
  return result;
}

function relayed(service: unknown): unknown {
  if (!isObject(service)) return service;
  const envoyGrpc = service["envoyGrpc"] ?? service["envoy_grpc"];
  const name = isObject(envoyGrpc) ? (envoyGrpc["clusterName"] ?? envoyGrpc["cluster_name"]) : ADS_CLUSTER;
  if (name !== ADS_CLUSTER) return service;
  const metadata = list(service["initialMetadata"] ?? service["initial_metadata"]).filter(
    (each) => !(isObject(each) && String(each["key"]).toLowerCase() === "authorization"),
  );
  return {
    envoyGrpc: { clusterName: ADS_CLUSTER, retryPolicy: STREAM_RETRY },
    ...(metadata.length > 0 ? { initialMetadata: metadata } : {}),
    ...(service["timeout"] === undefined ? {} : { timeout: service["timeout"] }),
  };
}

/** A connection of its own for each: a storm of failures does not get in the way of the configuration. */
function relayCluster(name: string, relaySocket: string): Json {
  return {
    name,
    type: "STATIC",
    connectTimeout: "1s",
    typedExtensionProtocolOptions: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        explicitHttpConfig: { http2ProtocolOptions: {} },
      },
    },
    loadAssignment: {
      clusterName: name,
      endpoints: [{ lbEndpoints: [{ endpoint: { address: { pipe: { path: relaySocket } } } }] }],
    },
  };
}

/** Where Envoy's admin listens: a Unix socket, or TCP when a stock control plane was told so (contract, section 3.4). */
export type AdminAddress = { readonly path: string } | { readonly host: string; readonly port: number };

export function adminAddressOf(bootstrap: Json): AdminAddress | undefined {
  const admin = bootstrap["admin"];
  const address = isObject(admin) ? admin["address"] : undefined;
  if (!isObject(address)) return undefined;
  const { pipe } = address;
  if (isObject(pipe)) return { path: String(pipe["path"]) };
  const socket = address["socketAddress"] ?? address["socket_address"];
  if (!isObject(socket)) return undefined;
  return { host: String(socket["address"]), port: Number(socket["portValue"] ?? socket["port_value"]) };
}
