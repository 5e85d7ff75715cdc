import { createRegistry, type DescMessage, fromJson, type JsonValue, toBinary } from "@bufbuild/protobuf";
import { ClusterSchema } from "#envoy/config/cluster/v3/cluster_pb.js";
import { ClusterLoadAssignmentSchema } from "#envoy/config/endpoint/v3/endpoint_pb.js";
import { ListenerSchema } from "#envoy/config/listener/v3/listener_pb.js";
import { RouteConfigurationSchema } from "#envoy/config/route/v3/route_pb.js";
import { RouterSchema } from "#envoy/extensions/filters/http/router/v3/router_pb.js";
import { HttpConnectionManagerSchema } from "#envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import { SecretSchema } from "#envoy/extensions/transport_sockets/tls/v3/secret_pb.js";
import { UpstreamTlsContextSchema } from "#envoy/extensions/transport_sockets/tls/v3/tls_pb.js";
import { encodeResource } from "../../../../core/envoy/encode.ts";
import { type EncodedResource, XDS_TYPES, type XdsType } from "../../../../core/envoy/encoded-resource.ts";
import type { Snapshot } from "../../../../core/push/snapshot.ts";
import { resourceListOf } from "../../../support/resource-list-of.ts";
import { sinceOf } from "../fixtures.ts";

const SCHEMA: Readonly<Record<XdsType, DescMessage>> = {
  cluster: ClusterSchema,
  endpoint: ClusterLoadAssignmentSchema,
  secret: SecretSchema,
  listener: ListenerSchema,
  route: RouteConfigurationSchema,
};
const registry = createRegistry(RouterSchema, HttpConnectionManagerSchema, UpstreamTlsContextSchema);

function resource(type: XdsType, name: string, json: JsonValue): EncodedResource {
  const schema = SCHEMA[type];
  return encodeResource(type, name, toBinary(schema, fromJson(schema, json, { registry })));
}

const ADS = { ads: {}, resourceApiVersion: "V3" };
const TYPE = "type.googleapis.com/envoy.extensions";

export interface ClusterInit {
  /** Another one makes Envoy warm the cluster anew. */
  readonly connectTimeout?: string;
  /** Name of the secret that the cluster verifies its endpoints by. */
  readonly secret?: string;
}

export function cluster(name: string, { connectTimeout = "5s", secret }: ClusterInit = {}): EncodedResource {
  return resource("cluster", name, {
    name,
    type: "EDS",
    edsClusterConfig: { edsConfig: ADS },
    connectTimeout,
    ...(secret === undefined
      ? {}
      : {
          transportSocket: {
            name: "envoy.transport_sockets.tls",
            typedConfig: {
              "@type": `${TYPE}.transport_sockets.tls.v3.UpstreamTlsContext`,
              sni: "localhost",
              commonTlsContext: { validationContextSdsSecretConfig: { name: secret, sdsConfig: ADS } },
            },
          },
        }),
  });
}

export function secret(name: string, ca: string): EncodedResource {
  return resource("secret", name, { name, validationContext: { trustedCa: { inlineString: ca } } });
}

export function endpoints(name: string, ports: readonly number[]): EncodedResource {
  return resource("endpoint", name, {
    clusterName: name,
    endpoints: [
      {
        lbEndpoints: ports.map((portValue) => ({
          endpoint: { address: { socketAddress: { address: "127.0.0.1", portValue } } },
        })),
      },
    ],
  });
}

/** `filter` other than the router's makes Envoy refuse the listener. */
export function listener(
  name: string,
  port: number,
  route: string,
  filter = "envoy.filters.http.router",
): EncodedResource {
  return resource("listener", name, {
    name,
    address: { socketAddress: { address: "127.0.0.1", portValue: port } },
    filterChains: [
      {
        filters: [
          {
            name: "envoy.filters.network.http_connection_manager",
            typedConfig: {
              "@type": `${TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
              statPrefix: name,
              rds: { routeConfigName: route, configSource: ADS },
              httpFilters: [
                filter === "envoy.filters.http.router"
                  ? { name: filter, typedConfig: { "@type": `${TYPE}.filters.http.router.v3.Router` } }
                  : { name: filter },
              ],
            },
          },
        ],
      },
    ],
  });
}

export function route(name: string, clusterName: string): EncodedResource {
  return resource("route", name, {
    name,
    virtualHosts: [{ name, domains: ["*"], routes: [{ match: { prefix: "/" }, route: { cluster: clusterName } }] }],
    validateClusters: false,
  });
}

/** A snapshot of these; lists that did not change keep their identity, as the port promises. */
export function snapshotOf(revision: number, resources: readonly EncodedResource[], previous?: Snapshot): Snapshot {
  const lists = XDS_TYPES.map((type) => {
    const list = resourceListOf(resources.filter((each) => each.type === type));
    const old = previous?.resources[type];
    const same = old?.size === list.size && [...list].every(({ name, version }) => old.get(name)?.version === version);
    return [type, same ? old : list];
  });
  const made = Object.fromEntries(lists) as Snapshot["resources"];
  return { revision, since: sinceOf(revision, made, previous), resources: made };
}
