import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http2";
import type { Duplex } from "node:stream";

/** A gRPC call that Envoy opened; its body is relayed as raw bytes and never looked at. */
export interface RelayCall {
  /** `/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources` */
  readonly path: string;
  /** The headers worth passing on; no credential among them. */
  readonly headers: OutgoingHttpHeaders;
}

export interface CallEvents {
  /** The answer began. `final`: it also ended, and the headers hold the gRPC status. */
  onHeaders(headers: IncomingHttpHeaders, final: boolean): void;
  /** The other side ended the call; the trailers hold the gRPC status. */
  onEnd(trailers: IncomingHttpHeaders): void;
  /** The call is gone without an answer: the connection was lost, or is being replaced. */
  onLost(): void;
}

/**
 * Where the relay takes its answers from. Today that is the control plane; an implementation that serves the last good
 * configuration while the control plane is away fits the same port.
 */
export interface Upstream {
  /** Whether a call opened now reaches somebody. */
  readonly available: boolean;
  /** Calls back each time `available` becomes true (not for the present state). */
  onAvailable(listener: () => void): Disposable;
  /**
   * Opens a call. Rejects when it cannot be opened now. The returned stream carries both directions; destroying it
   * cancels the call.
   */
  open(call: RelayCall, events: CallEvents): Promise<Duplex>;
}
