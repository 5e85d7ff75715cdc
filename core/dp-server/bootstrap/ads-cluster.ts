import { isIP } from "node:net";
import type { Json } from "./bootstrap-request.ts";

export const ADS_CLUSTER = "ads_cluster";
const VALIDATION_SECRET = "cp_validation_ctx";

export interface AdsTarget {
  readonly host: string;
  readonly port: number;
  readonly connectTimeoutMs: number;
  /** PEM that the control plane's certificate must lead to. */
  readonly trustedCa: string;
}

/** The cluster of the control plane: HTTP/2 over TLS, kept alive so that a dead connection is noticed within 15 s. */
export function buildAdsCluster(target: AdsTarget): Json {
  return {
    name: ADS_CLUSTER,
    type: isIP(target.host) === 0 ? "STRICT_DNS" : "STATIC",
    connectTimeout: `${target.connectTimeoutMs / 1000}s`,
    typedExtensionProtocolOptions: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        explicitHttpConfig: { http2ProtocolOptions: { connectionKeepalive: { interval: "10s", timeout: "5s" } } },
      },
    },
    upstreamConnectionOptions: { tcpKeepalive: { keepaliveProbes: 3, keepaliveTime: 10, keepaliveInterval: 10 } },
    loadAssignment: {
      clusterName: ADS_CLUSTER,
      endpoints: [
        {
          lbEndpoints: [{ endpoint: { address: { socketAddress: { address: target.host, portValue: target.port } } } }],
        },
      ],
    },
    transportSocket: {
      name: "envoy.transport_sockets.tls",
      typedConfig: {
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        sni: target.host,
        commonTlsContext: {
          tlsParams: { tlsMinimumProtocolVersion: "TLSv1_2" },
          validationContextSdsSecretConfig: { name: VALIDATION_SECRET },
        },
      },
    },
  };
}

/** What Envoy checks the control plane's certificate against. */
export function buildValidationSecret(target: AdsTarget): Json {
  const named = (sanType: string) => ({ sanType, matcher: { exact: target.host } });
  return {
    name: VALIDATION_SECRET,
    validationContext: {
      trustedCa: { inlineBytes: Buffer.from(target.trustedCa).toString("base64") },
      matchTypedSubjectAltNames: [named("DNS"), named("IP_ADDRESS")],
    },
  };
}
