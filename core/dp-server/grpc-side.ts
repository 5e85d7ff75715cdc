import type { TLSSocket } from "node:tls";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { type AdsServiceDeps, addAdsService } from "../xds/grpc-ads-service.ts";
import { addHealthServices, type HealthServicesDeps } from "../xds/grpc-health-services.ts";
import type { StreamEvents } from "../xds/stream-events.ts";

/** Both ends ping, so that a frozen or unreachable peer is noticed; here within 14.5 s, so that its endpoints are degraded within 15. */
const KEEPALIVE_MS = 9_500;
const KEEPALIVE_TIMEOUT_MS = 5000;
/** Kuma's own limit; a first request of a proxy with 10,000 outbounds has 1.5 MB. */
const MAX_REQUEST_BYTES = 4 * 1024 * 1024;

export interface GrpcSideDeps extends AdsServiceDeps, HealthServicesDeps {
  readonly events: StreamEvents;
}

/** The gRPC side of the port. */
export interface GrpcSide {
  /** Takes over a connection that agreed on h2. */
  accept(socket: TLSSocket): void;
  close(): void;
}

/** In a file of its own because the gRPC library takes a tenth of a second to load: only a sidecar that comes is worth it. */
export function createGrpcSide(deps: GrpcSideDeps): GrpcSide {
  const server = new Server({
    "grpc.keepalive_time_ms": KEEPALIVE_MS,
    "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
    "grpc.max_receive_message_length": MAX_REQUEST_BYTES,
    "grpc.max_send_message_length": -1,
    "grpc.enable_channelz": 0,
  });
  addAdsService(server, deps);
  addHealthServices(server, deps);
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  return { accept: (socket) => injector.injectConnection(socket), close: () => injector.destroy() };
}
