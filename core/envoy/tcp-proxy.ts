import type { MessageInitShape } from "@bufbuild/protobuf";
import type { FilterSchema } from "#envoy/config/listener/v3/listener_components_pb.js";
import { TcpProxySchema } from "#envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js";
import type { FailureDirection } from "../model/request-failure.ts";
import { failureLog } from "./failure-log.ts";
import { duration, extension } from "./parts.ts";
import type { ListenerSettings } from "./settings.ts";

/** The filter that passes bytes between a connection and one of the cluster's. */
export function buildTcpProxy(
  statPrefix: string,
  cluster: string,
  settings: ListenerSettings,
  direction: FailureDirection,
): MessageInitShape<typeof FilterSchema> {
  return extension("envoy.filters.network.tcp_proxy", TcpProxySchema, {
    statPrefix,
    clusterSpecifier: { case: "cluster", value: cluster },
    idleTimeout: duration(settings.idleTimeout),
    maxConnectAttempts: settings.maxConnectAttempts,
    accessLog: settings.failureLog ? [failureLog(direction, "tcp")] : [],
  });
}
