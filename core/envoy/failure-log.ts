import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type AccessLog,
  type AccessLogFilterSchema,
  AccessLogSchema,
  ComparisonFilter_Op,
  GrpcStatusFilter_Status as GrpcStatus,
} from "#envoy/config/accesslog/v3/accesslog_pb.js";
import { ApiVersion } from "#envoy/config/core/v3/config_source_pb.js";
import {
  type CommonGrpcAccessLogConfigSchema,
  HttpGrpcAccessLogConfigSchema,
  TcpGrpcAccessLogConfigSchema,
} from "#envoy/extensions/access_loggers/grpc/v3/als_pb.js";
import { FAILURE_LOG_CLUSTER, type FailureDirection, LOCAL_REPLY_HEADER } from "../model/request-failure.ts";
import { extension } from "./parts.ts";

type Filter = MessageInitShape<typeof AccessLogFilterSchema>;

/**
 * Envoy's flags of a failure that is not the client's: an answer may be on its way when the connection to the endpoint
 * breaks, so the status alone does not tell. A client that goes away (DC, DR) in the middle of a long answer is none; one
 * that goes before any answer has status 0.
 */
const HTTP_FLAGS = [
  "UH",
  "UF",
  "UO",
  "NR",
  "URX",
  "NC",
  "UT",
  "LR",
  "UR",
  "UC",
  "DT",
  "SI",
  "UPE",
  "UMSDR",
  "OM",
  "DO",
];

/** The same for connections. An idle one that is closed (SI) has not failed. */
const TCP_FLAGS = ["UH", "UF", "UO", "NR", "URX", "NC", "UR", "UC", "OM", "DO"];

/** The gRPC statuses that stand for a 5xx. */
const GRPC_STATUSES = [
  GrpcStatus.UNKNOWN,
  GrpcStatus.DEADLINE_EXCEEDED,
  GrpcStatus.UNIMPLEMENTED,
  GrpcStatus.INTERNAL,
  GrpcStatus.UNAVAILABLE,
  GrpcStatus.DATA_LOSS,
];

/** Of connections, of requests, and of requests whose status may be gRPC's. */
export type FailureLogKind = "tcp" | "http" | "grpc";

const built = new Map<string, AccessLog>();

/**
 * Reports failed requests, or connections that came to nothing, to the supervisor as an access log service. Nothing is
 * sent while nothing fails; while nobody listens, Envoy drops what does not fit into its buffers. The name of the log is
 * the direction: two streams for each worker, however many listeners there are. Each of the six logs is built once.
 */
export function failureLog(direction: FailureDirection, kind: FailureLogKind): AccessLog {
  const key = `${direction} ${kind}`;
  const log = built.get(key) ?? create(AccessLogSchema, kind === "tcp" ? tcpLog(direction) : httpLog(direction, kind));
  built.set(key, log);
  return log;
}

function httpLog(direction: FailureDirection, kind: "http" | "grpc"): MessageInitShape<typeof AccessLogSchema> {
  const grpcStatus = kind === "grpc" ? ["grpc-status"] : [];
  return {
    ...extension("envoy.access_loggers.http_grpc", HttpGrpcAccessLogConfigSchema, {
      commonConfig: common(direction),
      additionalResponseHeadersToLog: [LOCAL_REPLY_HEADER, ...grpcStatus],
      additionalResponseTrailersToLog: grpcStatus,
    }),
    filter: anyOf(
      statusCodeFilter(ComparisonFilter_Op.GE, 500),
      statusCodeFilter(ComparisonFilter_Op.EQ, 0),
      flagFilter(HTTP_FLAGS),
      ...(kind === "grpc"
        ? [{ filterSpecifier: { case: "grpcStatusFilter" as const, value: { statuses: GRPC_STATUSES } } }]
        : []),
    ),
  };
}

function tcpLog(direction: FailureDirection): MessageInitShape<typeof AccessLogSchema> {
  return {
    ...extension("envoy.access_loggers.tcp_grpc", TcpGrpcAccessLogConfigSchema, { commonConfig: common(direction) }),
    filter: flagFilter(TCP_FLAGS),
  };
}

function common(direction: FailureDirection): MessageInitShape<typeof CommonGrpcAccessLogConfigSchema> {
  return {
    logName: direction,
    transportApiVersion: ApiVersion.V3,
    grpcService: { targetSpecifier: { case: "envoyGrpc", value: { clusterName: FAILURE_LOG_CLUSTER } } },
  };
}

/** `value` is fixed: the runtime key that Envoy wants is one that nobody sets. */
export function statusCodeFilter(op: ComparisonFilter_Op, value: number): Filter {
  return {
    filterSpecifier: {
      case: "statusCodeFilter",
      value: { comparison: { op, value: { defaultValue: value, runtimeKey: "monomesh.unset" } } },
    },
  };
}

export function flagFilter(flags: string[]): Filter {
  return { filterSpecifier: { case: "responseFlagFilter", value: { flags } } };
}

function anyOf(...filters: Filter[]): Filter {
  return { filterSpecifier: { case: "orFilter", value: { filters } } };
}
