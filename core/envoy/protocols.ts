import type { Protocol } from "../model/dataplane/access.ts";

/** Whether Envoy looks into the traffic. kafka passes as bytes, like tcp. */
export function isHttp(protocol: Protocol): boolean {
  return protocol === "http" || protocol === "http2" || protocol === "grpc";
}

/** Whether the application itself is spoken to in HTTP/2. */
export function isHttp2(protocol: Protocol): boolean {
  return protocol === "http2" || protocol === "grpc";
}
