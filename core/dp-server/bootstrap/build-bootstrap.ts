import { firstService } from "../../model/dataplane/access.ts";
import type { ResourceDraft } from "../../model/resource.ts";
import type { DataplaneSpec } from "../../model/types/dataplane.ts";
import { ADS_CLUSTER, type AdsTarget, buildAdsCluster, buildValidationSecret } from "./ads-cluster.ts";
import { FEATURE_DELTA, FEATURE_RELAY, type Json } from "./bootstrap-request.ts";
import { type AdminPlace, buildNodeMetadata, type NodeFacts } from "./node-metadata.ts";
import { STATS_TAGS } from "./stats-tags.ts";

export interface BootstrapFacts extends NodeFacts {
  readonly dataplane: ResourceDraft<DataplaneSpec>;
  readonly target: AdsTarget;
  /** Whether Envoy is to ask for health checks. */
  readonly hds: boolean;
  readonly adminAccessLogPath: string;
}

/** Envoy's bootstrap (contract, section 3.4) in the JSON form of `envoy.config.bootstrap.v3.Bootstrap`. */
export function buildBootstrap(facts: BootstrapFacts): Json {
  const { request, dataplane, admin, target } = facts;
  const grpc = {
    transportApiVersion: "V3",
    setNodeOnFirstMessageOnly: true,
    grpcServices: [controlPlaneService(facts)],
  };
  return {
    node: {
      id: `${dataplane.mesh}.${dataplane.name}`,
      cluster: firstService(dataplane.spec) ?? dataplane.name,
      metadata: buildNodeMetadata(facts),
    },
    admin: { accessLog: [fileLog(facts.adminAccessLogPath)], address: adminAddress(admin) },
    dynamicResources: {
      adsConfig: {
        ...grpc,
        apiType: request.features.includes(FEATURE_DELTA) ? "DELTA_GRPC" : "GRPC",
      },
      ldsConfig: ADS_SOURCE,
      cdsConfig: ADS_SOURCE,
    },
    ...(facts.hds ? { hdsConfig: { ...grpc, apiType: "GRPC" } } : {}),
    staticResources: { clusters: [buildAdsCluster(target)], secrets: [buildValidationSecret(target)] },
    layeredRuntime: {
      layers: [
        {
          name: "kuma",
          staticLayer: { "re2.max_program_size.error_level": 4294967295, "re2.max_program_size.warn_level": 1000 },
        },
      ],
    },
    defaultRegexEngine: {
      name: "envoy.regex_engines.google_re2",
      typedConfig: { "@type": "type.googleapis.com/envoy.extensions.regex_engines.v3.GoogleRE2" },
    },
    statsConfig: { statsTags: STATS_TAGS },
  };
}

const ADS_SOURCE = { ads: {}, resourceApiVersion: "V3", initialFetchTimeout: "0s" } as const;

/** Our own sidecar adds the token when it relays the stream, so that it is neither on the disk nor in Envoy. */
function controlPlaneService({ request }: BootstrapFacts): Json {
  const service = { envoyGrpc: { clusterName: ADS_CLUSTER } };
  if (request.token === undefined || request.features.includes(FEATURE_RELAY)) return service;
  return { ...service, initialMetadata: [{ key: "authorization", value: request.token }] };
}

function adminAddress(admin: AdminPlace): Json {
  if (admin.socketPath !== undefined) return { pipe: { path: admin.socketPath, mode: 0o600 } };
  return { socketAddress: { address: admin.address, portValue: admin.port } };
}

function fileLog(path: string): Json {
  return {
    name: "envoy.access_loggers.file",
    typedConfig: { "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog", path },
  };
}
