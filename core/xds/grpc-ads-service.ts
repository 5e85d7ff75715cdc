import { Metadata, type MethodDefinition, type Server, type ServerDuplexStream } from "@grpc/grpc-js";
import { CODE_HEADER, errorLine } from "../kernel/error-line.ts";
import { AdsCall, type AdsCallDeps, type CallPort } from "./ads-call.ts";
import type { Variant } from "./discovery-response.ts";
import { peerText } from "./peer-text.ts";

const ADS = "/envoy.service.discovery.v3.AggregatedDiscoveryService/";
/** After this a call that was ended from our side and still waits for its client is broken off. */
const END_GRACE_MS = 5000;
/** What a refused proxy gets, with the text (contract 4.1). */
const UNKNOWN = 2;
/** Nothing the proxy could mend; our own sidecar then comes back instead of giving up. Envoy treats all alike. */
const UNAVAILABLE = 14;

const LOST = "the connection ended";

type RawCall = ServerDuplexStream<Buffer, Uint8Array>;

const raw = (bytes: Buffer): Buffer => bytes;

/** A bidirectional method whose messages stay bytes: requests are read by hand, responses are encoded already. */
function rawMethod(name: string): MethodDefinition<Buffer, Buffer> {
  return {
    path: ADS + name,
    requestStream: true,
    responseStream: true,
    requestSerialize: raw,
    requestDeserialize: raw,
    responseSerialize: raw,
    responseDeserialize: raw,
  };
}

export interface AdsServiceDeps extends AdsCallDeps {
  /** Destroys the connection of this peer (`address:port`); gRPC itself cannot give up a stream whose client does not read. */
  breakConnection(peer: string): void;
}

/** Adds ADS v3, state of the world and delta, to a gRPC server (contract, section 4.1). */
export function addAdsService(server: Server, deps: AdsServiceDeps): void {
  const serve = (variant: Variant) => (call: RawCall) => serveCall(call, variant, deps);
  server.addService(
    {
      StreamAggregatedResources: rawMethod("StreamAggregatedResources"),
      DeltaAggregatedResources: rawMethod("DeltaAggregatedResources"),
    },
    { StreamAggregatedResources: serve("sotw"), DeltaAggregatedResources: serve("delta") },
  );
}

function serveCall(call: RawCall, variant: Variant, deps: AdsServiceDeps): void {
  const peer = call.getPeer();
  let grace: Disposable | undefined;
  const port: CallPort = {
    variant,
    credentials: call.metadata.get("authorization").map(String),
    peer: peerText(peer),
    send: (frame, taken) => {
      call.write(frame, (error?: Error | null) => {
        if (!error) taken();
      });
    },
    end: (error, passing) => {
      const metadata = new Metadata();
      metadata.set(CODE_HEADER, error.code);
      const status = { code: passing ? UNAVAILABLE : UNKNOWN, details: errorLine(error), metadata };
      call.emit("error", Object.assign(new Error(error.message), status));
      grace = deps.clock.after(END_GRACE_MS, () => deps.breakConnection(peer));
    },
    cut: () => deps.breakConnection(peer),
    pause: () => call.pause(),
    resume: () => call.resume(),
  };
  const adsCall = new AdsCall(port, deps);
  call.on("data", (bytes: Buffer) => adsCall.onMessage(bytes));
  call.on("end", () => {
    // A lost connection looks like a polite end first; a turn of the event loop later it does not.
    setImmediate(() => {
      adsCall.onClosed(call.cancelled ? LOST : "the proxy ended the stream");
      call.end();
    });
  });
  call.on("cancelled", () => adsCall.onClosed(LOST));
  call.on("close", () => grace?.[Symbol.dispose]());
  call.on("error", (error: Error) => adsCall.onClosed(error.message));
}
