import type { ServeCall } from "../grpc/grpc-server.ts";
import { type AdsProtocolDeps, createAdsProtocol } from "./ads-protocol.ts";
import type { Variant } from "./discovery-response.ts";
import { serveCall } from "./serve-call.ts";

const ADS = "/envoy.service.discovery.v3.AggregatedDiscoveryService/";

/** The methods of ADS v3, state of the world and delta (contract, section 4.1). */
export function adsMethods(deps: AdsProtocolDeps): Readonly<Record<string, ServeCall>> {
  const serve = (variant: Variant): ServeCall => {
    return (call) => serveCall(call, createAdsProtocol(variant, deps), deps.clock);
  };
  return {
    [`${ADS}StreamAggregatedResources`]: serve("sotw"),
    [`${ADS}DeltaAggregatedResources`]: serve("delta"),
  };
}
