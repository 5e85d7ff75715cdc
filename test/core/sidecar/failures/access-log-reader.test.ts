import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { RequestMethod } from "#envoy/config/core/v3/base_pb.js";
import type { HTTPAccessLogEntrySchema } from "#envoy/data/accesslog/v3/accesslog_pb.js";
import { ResponseFlagsSchema } from "#envoy/data/accesslog/v3/accesslog_pb.js";
import { StreamAccessLogsMessageSchema } from "#envoy/service/accesslog/v3/als_pb.js";
import { RESPONSE_FLAGS } from "../../../../core/model/response-flags.ts";
import { readFailures, readLogName } from "../../../../core/sidecar/failures/access-log-reader.ts";

const socketAddress = (address: string, port: number) => ({
  address: {
    case: "socketAddress" as const,
    value: { address, portSpecifier: { case: "portValue" as const, value: port } },
  },
});

function http(entry: MessageInitShape<typeof HTTPAccessLogEntrySchema>): Uint8Array {
  return toBinary(
    StreamAccessLogsMessageSchema,
    create(StreamAccessLogsMessageSchema, {
      identifier: { node: { id: "default.web-1" }, logName: "outbound" },
      logEntries: { case: "httpLogs", value: { logEntry: [entry] } },
    }),
  );
}

const COMMON = {
  startTime: { seconds: 1_800_000_000n, nanos: 250_000_000 },
  duration: { seconds: 1n, nanos: 500_400_000 },
  downstreamRemoteAddress: socketAddress("127.0.0.1", 40_000),
  downstreamLocalAddress: socketAddress("127.0.0.1", 10_000),
  upstreamRemoteAddress: socketAddress("fd00::2", 9000),
  upstreamCluster: "redis",
};

test("what Envoy reports of an HTTP request, without its query string", () => {
  const bytes = http({
    commonProperties: {
      ...COMMON,
      responseFlags: { upstreamConnectionFailure: true, upstreamRetryLimitExceeded: true },
    },
    request: {
      requestMethod: RequestMethod.POST,
      path: "/reset?token=secret#x?y",
      authority: "redis",
      requestId: "id-1",
      userAgent: "curl",
      referer: "https://example.com/?secret",
    },
    response: { responseCode: 503, responseCodeDetails: "upstream_reset_before_response_started{x}" },
  });
  assert.equal(readLogName(bytes), "outbound");
  assert.deepEqual(readFailures(bytes), [
    {
      listener: { address: "127.0.0.1", port: 10_000 },
      cluster: "redis",
      time: "2027-01-15T08:00:00.250Z",
      upstream: "[fd00::2]:9000",
      downstream: "127.0.0.1:40000",
      flags: ["UF", "URX"],
      durationMs: 1500,
      status: 503,
      method: "POST",
      path: "/reset",
      answeredBy: "sidecar",
      details: "upstream_reset_before_response_started{x}",
      requestId: "id-1",
    },
  ]);
});

test("who answered: the application, the sidecar beside it, nobody", () => {
  const answered = (response: MessageInitShape<typeof HTTPAccessLogEntrySchema>["response"]) => {
    const [failure] = readFailures(http({ commonProperties: COMMON, response }));
    return [failure?.answeredBy, failure?.status, failure?.details, failure?.grpcStatus];
  };
  const viaUpstream = { responseCodeDetails: "via_upstream" };
  assert.deepEqual(answered({ ...viaUpstream, responseCode: 500 }), ["application", 500, undefined, undefined]);
  assert.deepEqual(
    answered({
      ...viaUpstream,
      responseCode: 503,
      responseHeaders: { "x-monomesh-local-reply": "made by the sidecar of r-1: UF x; see monomesh failures r-1" },
    }),
    ["remote-sidecar", 503, "made by the sidecar of r-1: UF x", undefined],
  );
  assert.deepEqual(answered({ ...viaUpstream, responseCode: 200, responseTrailers: { "grpc-status": "14" } }), [
    "application",
    200,
    undefined,
    14,
  ]);
  assert.deepEqual(answered({ responseCodeDetails: "downstream_remote_disconnect" }), [
    undefined,
    0,
    "downstream_remote_disconnect",
    undefined,
  ]);
});

test("what Envoy reports of a connection", () => {
  const message = create(StreamAccessLogsMessageSchema, {
    identifier: { logName: "inbound" },
    logEntries: {
      case: "tcpLogs",
      value: {
        logEntry: [
          {
            commonProperties: {
              ...COMMON,
              responseFlags: { upstreamConnectionFailure: true },
              upstreamTransportFailureReason: "delayed_connect_error:_111",
            },
            connectionProperties: { receivedBytes: 8n },
          },
        ],
      },
    },
  });
  const bytes = toBinary(StreamAccessLogsMessageSchema, message);
  assert.equal(readLogName(bytes), "inbound");
  const [failure] = readFailures(bytes);
  assert.deepEqual([failure?.flags, failure?.details], [["UF"], "delayed_connect_error:_111"]);
  assert.deepEqual([failure?.status, failure?.method, failure?.answeredBy], [undefined, undefined, undefined]);
});

test("every flag that Envoy has is known by its number", () => {
  const numbers = ResponseFlagsSchema.fields.map(({ number }) => number).sort((a, b) => a - b);
  assert.deepEqual(Object.keys(RESPONSE_FLAGS).map(Number), numbers);
});

test("bytes that are no batch are refused", () => {
  assert.throws(() => readFailures(Buffer.from([0x12, 0xff, 0xff])));
});
