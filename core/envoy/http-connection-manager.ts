import type { MessageInitShape } from "@bufbuild/protobuf";
import type { FilterSchema } from "#envoy/config/listener/v3/listener_components_pb.js";
import type { RouteConfigurationSchema } from "#envoy/config/route/v3/route_pb.js";
import { FilterConfigSchema } from "#envoy/extensions/filters/http/grpc_stats/v3/config_pb.js";
import { RouterSchema } from "#envoy/extensions/filters/http/router/v3/router_pb.js";
import {
  HttpConnectionManager_ServerHeaderTransformation,
  HttpConnectionManagerSchema,
} from "#envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import type { Protocol } from "../model/dataplane/access.ts";
import type { FailureDirection } from "../model/request-failure.ts";
import { failureLog } from "./failure-log.ts";
import { buildLocalReplyConfig, buildUnsentMark } from "./local-reply.ts";
import { duration, extension, optionalDuration } from "./parts.ts";
import type { ListenerSettings } from "./settings.ts";

export interface HttpConnectionManagerOptions {
  readonly statPrefix: string;
  readonly protocol: Protocol;
  readonly settings: ListenerSettings;
  readonly internalCidrs: readonly string[];
  readonly direction: FailureDirection;
  /** Named in the answers that Envoy makes itself. */
  readonly service: string;
  readonly routeConfig: MessageInitShape<typeof RouteConfigurationSchema>;
}

/**
 * The HTTP filter of a listener, inbound or outbound. It accepts HTTP/1.1 and HTTP/2 alike, passes the application's
 * `server` header and request ids through, and lets WebSockets by: between sidecars they travel over HTTP/2, which is what
 * `allowConnect` is for. A connection from outside the internal addresses gets none of Envoy's trusted headers.
 */
export function buildHttpConnectionManager(
  options: HttpConnectionManagerOptions,
): MessageInitShape<typeof FilterSchema> {
  const { settings, direction, service } = options;
  return extension("envoy.filters.network.http_connection_manager", HttpConnectionManagerSchema, {
    statPrefix: options.statPrefix,
    routeSpecifier: { case: "routeConfig", value: options.routeConfig },
    httpFilters: httpFilters(options.protocol),
    commonHttpProtocolOptions: { idleTimeout: duration(settings.idleTimeout) },
    http2ProtocolOptions: { allowConnect: true },
    streamIdleTimeout: duration(settings.streamIdleTimeout),
    requestHeadersTimeout: optionalDuration(settings.requestHeadersTimeout),
    serverHeaderTransformation: HttpConnectionManager_ServerHeaderTransformation.PASS_THROUGH,
    preserveExternalRequestId: true,
    internalAddressConfig: { cidrRanges: options.internalCidrs.map(cidrRange) },
    upgradeConfigs: [{ upgradeType: "websocket" }],
    accessLog: settings.failureLog ? [failureLog(direction, options.protocol === "grpc" ? "grpc" : "http")] : [],
    localReplyConfig: localReplyConfig(settings, direction, service),
  });
}

function localReplyConfig({ explainReplies }: ListenerSettings, direction: FailureDirection, service: string) {
  if (explainReplies) return buildLocalReplyConfig(explainReplies, direction, service);
  return direction === "inbound" ? buildUnsentMark() : undefined;
}

function httpFilters(protocol: Protocol) {
  const router = extension("envoy.filters.http.router", RouterSchema, {});
  if (protocol !== "grpc") return [router];
  return [
    extension("envoy.filters.http.grpc_stats", FilterConfigSchema, {
      emitFilterState: true,
      perMethodStatSpecifier: { case: "statsForAllMethods", value: {} },
    }),
    router,
  ];
}

function cidrRange(cidr: string): { addressPrefix: string; prefixLen: number } {
  const [addressPrefix = "", bits] = cidr.split("/");
  return { addressPrefix, prefixLen: Number(bits) };
}
