import type { CallHandler, GrpcCall } from "../grpc/grpc-call.ts";
import { GRPC_STATUS } from "../grpc/status.ts";
import type { Clock } from "../kernel/clock.ts";
import { CODE_HEADER, errorLine } from "../kernel/error-line.ts";
import { HEALTH_HEADER } from "../model/dataplane/sidecar-health.ts";
import { peerText } from "./peer-text.ts";
import { type CallPort, type CallProtocol, ProxyCall } from "./proxy-call.ts";

/** Serves one gRPC call by a protocol of this room. */
export function serveCall(call: GrpcCall, protocol: CallProtocol, clock: Clock): CallHandler {
  const port: CallPort = {
    credentials: call.metadata("authorization"),
    health: call.metadata(HEALTH_HEADER)[0],
    peer: peerText(call.peer),
    send: (message, taken) => call.send(message, taken),
    end: (error, passing) => {
      // What a refused proxy gets (contract 4.1). Envoy treats all alike; nothing that the proxy could mend makes our own
      // sidecar come back instead of giving up.
      const status = passing ? GRPC_STATUS.unavailable : GRPC_STATUS.unknown;
      call.end(status, errorLine(error), { [CODE_HEADER]: error.code });
    },
    cut: () => call.cut(),
    pause: () => call.pause(),
    resume: () => call.resume(),
  };
  return new ProxyCall(port, protocol, clock);
}
