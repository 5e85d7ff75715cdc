import { Metadata, type MethodDefinition, type ServerDuplexStream } from "@grpc/grpc-js";
import type { Clock } from "../kernel/clock.ts";
import { CODE_HEADER, errorLine } from "../kernel/error-line.ts";
import { HEALTH_HEADER } from "../model/dataplane/sidecar-health.ts";
import { peerText } from "./peer-text.ts";
import { type CallPort, type CallProtocol, ProxyCall } from "./proxy-call.ts";

/** After this a call that was ended from our side and still waits for its client is broken off. */
const END_GRACE_MS = 5000;
/** What a refused proxy gets, with the text (contract 4.1). */
const UNKNOWN = 2;
/** Nothing the proxy could mend; our own sidecar then comes back instead of giving up. Envoy treats all alike. */
const UNAVAILABLE = 14;

const LOST = "the connection ended";

export type RawCall = ServerDuplexStream<Buffer, Uint8Array>;

export interface GrpcCallDeps {
  readonly clock: Clock;
  /** Destroys the connection of this peer (`address:port`); gRPC itself cannot give up a stream whose client does not read. */
  breakConnection(peer: string): void;
}

const raw = (bytes: Buffer): Buffer => bytes;
/** The library copies out of what it is given, by a method that only Buffers have. */
const toBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** A bidirectional method whose messages stay bytes: requests are read by hand, responses are encoded already. */
export function rawMethod(path: string): MethodDefinition<Buffer, Uint8Array> {
  return {
    path,
    requestStream: true,
    responseStream: true,
    requestSerialize: raw,
    requestDeserialize: raw,
    responseSerialize: toBuffer,
    responseDeserialize: raw,
  };
}

/** Serves one gRPC call by a protocol of this room. */
export function serveCall(call: RawCall, protocol: CallProtocol, deps: GrpcCallDeps): void {
  const peer = call.getPeer();
  let grace: Disposable | undefined;
  const port: CallPort = {
    credentials: call.metadata.get("authorization").map(String),
    health: call.metadata.get(HEALTH_HEADER)[0]?.toString(),
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
  const proxyCall = new ProxyCall(port, protocol, deps.clock);
  call.on("data", (bytes: Buffer) => proxyCall.onMessage(bytes));
  call.on("end", () => {
    // A lost connection looks like a polite end first; a turn of the event loop later it does not.
    setImmediate(() => {
      proxyCall.onClosed(call.cancelled ? LOST : "the proxy ended the stream");
      call.end();
    });
  });
  call.on("cancelled", () => proxyCall.onClosed(LOST));
  call.on("close", () => grace?.[Symbol.dispose]());
  call.on("error", (error: Error) => proxyCall.onClosed(error.message));
}
