import type { Server } from "@grpc/grpc-js";
import { type AdsProtocolDeps, createAdsProtocol } from "./ads-protocol.ts";
import type { Variant } from "./discovery-response.ts";
import { type GrpcCallDeps, type RawCall, rawMethod, serveCall } from "./grpc-call.ts";

const ADS = "/envoy.service.discovery.v3.AggregatedDiscoveryService/";

export interface AdsServiceDeps extends AdsProtocolDeps, GrpcCallDeps {}

/** Adds ADS v3, state of the world and delta, to a gRPC server (contract, section 4.1). */
export function addAdsService(server: Server, deps: AdsServiceDeps): void {
  const serve = (variant: Variant) => (call: RawCall) => serveCall(call, createAdsProtocol(variant, deps), deps);
  server.addService(
    {
      StreamAggregatedResources: rawMethod(`${ADS}StreamAggregatedResources`),
      DeltaAggregatedResources: rawMethod(`${ADS}DeltaAggregatedResources`),
    },
    { StreamAggregatedResources: serve("sotw"), DeltaAggregatedResources: serve("delta") },
  );
}
