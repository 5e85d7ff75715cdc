import { GrpcServer } from "../grpc/grpc-server.ts";
import type { Newcomers } from "../kernel/newcomers.ts";
import type { Outflow } from "../kernel/outflow.ts";
import { adsMethods } from "../xds/ads-methods.ts";
import type { AdsProtocolDeps } from "../xds/ads-protocol.ts";
import { healthMethods } from "../xds/health-methods.ts";
import type { StreamEvents } from "../xds/stream-events.ts";

/**
 * Both ends see to it that a frozen or unreachable peer is noticed; here within 14.75 s, so that its endpoints are degraded
 * within 15. Our own sidecar pings every 10 s, so in health it is never asked.
 */
const KEEPALIVE = { silenceMs: 10_500, lostMs: 14_250 };
/** Kuma's own limit; a first request of a proxy with 10,000 outbounds has 1.5 MB. */
const MAX_REQUEST_BYTES = 4 * 1024 * 1024;

export interface GrpcSideDeps extends AdsProtocolDeps {
  readonly events: StreamEvents;
  readonly outflow?: Outflow | undefined;
  readonly newcomers: Newcomers;
}

/** The gRPC side of the port; in a file of its own because it is loaded when the first sidecar comes. */
export function createGrpcSide(deps: GrpcSideDeps): GrpcServer {
  return new GrpcServer({
    methods: { ...adsMethods(deps), ...healthMethods(deps) },
    clock: deps.clock,
    outflow: deps.outflow,
    newcomers: deps.newcomers,
    maxMessageBytes: MAX_REQUEST_BYTES,
    keepalive: KEEPALIVE,
  });
}
