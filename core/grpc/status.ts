/** The status codes of gRPC that are used here; Envoy treats all but OK alike, our own sidecar does not. */
export const GRPC_STATUS = {
  ok: 0,
  unknown: 2,
  resourceExhausted: 8,
  unimplemented: 12,
  unavailable: 14,
} as const;

export type GrpcStatus = (typeof GRPC_STATUS)[keyof typeof GRPC_STATUS];

/** How a call ends, as the trailers that say so. `metadata`: names in lower case. */
export function statusTrailers(
  status: GrpcStatus,
  message: string,
  metadata: Readonly<Record<string, string>> = {},
): Record<string, string> {
  return {
    ...metadata,
    "grpc-status": String(status),
    ...(message === "" ? {} : { "grpc-message": encodeStatusMessage(message) }),
  };
}

/** Percent-encodes all but printable ASCII, as `grpc-message` wants it. */
function encodeStatusMessage(text: string): string {
  return text.toWellFormed().replace(/[^ -$&-~]+/g, encodeURIComponent);
}
