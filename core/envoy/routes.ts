import type { MessageInitShape } from "@bufbuild/protobuf";
import type { RetryPolicySchema } from "#envoy/config/route/v3/route_components_pb.js";
import type { RouteConfigurationSchema } from "#envoy/config/route/v3/route_pb.js";
import { PreviousHostsPredicateSchema } from "#envoy/extensions/retry/host/previous_hosts/v3/previous_hosts_pb.js";
import { UNSENT_HEADER } from "../model/request-failure.ts";
import { duration, extension } from "./parts.ts";
import type { RetrySettings, RouteSettings } from "./settings.ts";

export interface RouteOptions {
  /** `inbound:<service>` or `outbound:<service>`. */
  readonly name: string;
  readonly service: string;
  readonly cluster: string;
  readonly settings: RouteSettings;
  readonly removeHeaders?: readonly string[];
}

/** A route configuration that sends every request to one cluster; it lies inside its listener. */
export function buildRouteConfig(options: RouteOptions): MessageInitShape<typeof RouteConfigurationSchema> {
  const { settings } = options;
  return {
    name: options.name,
    requestHeadersToRemove: [...(options.removeHeaders ?? [])],
    virtualHosts: [
      {
        name: options.service,
        domains: ["*"],
        routes: [
          {
            match: { pathSpecifier: { case: "prefix", value: "/" } },
            action: {
              case: "route",
              value: {
                clusterSpecifier: { case: "cluster", value: options.cluster },
                timeout: duration(settings.requestTimeout),
                retryPolicy: settings.retry ? retryPolicy(settings.retry) : undefined,
              },
            },
          },
        ],
      },
    ],
  };
}

/**
 * A retry goes to an endpoint that was not tried before, as long as five picks find one. Who retries when an endpoint cannot
 * be connected to also does when the endpoint's sidecar could not connect to its application.
 */
function retryPolicy(retry: RetrySettings): MessageInitShape<typeof RetryPolicySchema> {
  const unsent = retry.on.includes("connect-failure");
  return {
    retryOn: (unsent ? [...retry.on, "retriable-headers"] : retry.on).join(","),
    retriableHeaders: unsent
      ? [{ name: UNSENT_HEADER, headerMatchSpecifier: { case: "presentMatch", value: true } }]
      : [],
    numRetries: retry.numRetries,
    retryHostPredicate: [extension("envoy.retry_host_predicates.previous_hosts", PreviousHostsPredicateSchema, {})],
    hostSelectionRetryMaxAttempts: 5n,
    retryBackOff: { baseInterval: duration(retry.backOffBase), maxInterval: duration(retry.backOffMax) },
  };
}
