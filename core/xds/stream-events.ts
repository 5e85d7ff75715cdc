import type { XdsType } from "../envoy/encoded-resource.ts";
import type { MeshError } from "../kernel/errors.ts";
import type { SidecarHealth } from "../model/dataplane/sidecar-health.ts";
import type { Snapshot } from "../push/snapshot.ts";

/** What the first message of a stream says about the proxy (Envoy's Node; the 60 KB extension list is not kept). */
export interface StreamNode {
  readonly id: string;
  readonly cluster: string;
  /** Node metadata as plain JSON (contract, section 3.4). */
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly userAgentVersion: string;
}

export interface StreamInfo {
  /** A UUID: unique over all control planes. */
  readonly id: string;
  /** `health` is our own sidecar's health stream. */
  readonly service: "ads" | "hds" | "health";
  readonly node: StreamNode;
  /** The `authorization` metadata, verbatim; undefined when absent. */
  readonly credential: string | undefined;
  /** The `monomesh-health` metadata of our own sidecar, verbatim; undefined when absent. */
  readonly health: string | undefined;
  /** Remote address, for messages. */
  readonly peer: string;
  /** Aborts when the stream ends, for whatever reason. */
  readonly signal: AbortSignal;
  /** Ends the stream from our side, for no fault of the proxy; the error's text is shown to it. */
  end(error: MeshError): void;
}

/** The other side of an accepted ADS stream. All callbacks are cheap and never throw. */
export interface AdsSession {
  /** Starts the flow of snapshots; called once, right after the stream was accepted. */
  subscribe(onSnapshot: (snapshot: Snapshot) => void): Disposable;
  /** A response message of this type was sent. With delta one update can take several. */
  onSent(type: XdsType): void;
  /** The proxy accepted a response of this type. */
  onAck(type: XdsType): void;
  /** The proxy refused a response of this type and goes on with what it had; `message` is Envoy's. */
  onNack(type: XdsType, message: string): void;
  /**
   * The proxy is known to hold every resource of this type that it asked for, as of this snapshot revision: all was sent and
   * accepted, or nothing had to be sent. Removals may still be on their way. Not called while one of them is refused, and not
   * again for a revision that left this type as it was.
   */
  onSynced(type: XdsType, revision: number): void;
  onClose(reason: string): void;
}

/** The other side of an accepted stream that tells about the health of applications; `Report` is what one message says. */
export interface HealthSession<Report> {
  /** Starts the flow of messages for the proxy; called once, right after the stream was accepted. */
  subscribe(onMessage: (message: Uint8Array) => void): Disposable;
  onReport(report: Report): void;
  onClose(reason: string): void;
}

/** What HDS says about one cluster that was to be checked. */
export interface ClusterHealth {
  readonly cluster: string;
  /** All its endpoints are `HEALTHY` or `UNKNOWN` (contract, section 5). */
  readonly healthy: boolean;
}

/** The port through which core/xds asks the rest of the control plane. Implemented by core/dp-server. */
export interface StreamEvents {
  /**
   * Authenticates and registers the proxy; may wait as long as the stream lives (a displaced sidecar is parked here). A
   * MeshError thrown here ends the stream with its text (gRPC status 2, contract 4.1: Envoy and stock sidecars only look
   * at the text).
   */
  openAds(stream: StreamInfo): Promise<AdsSession>;
  /** As `openAds`, for the Health Discovery Service of stock sidecars. Undefined: it is not served. */
  readonly openHds?: ((stream: StreamInfo) => Promise<HealthSession<readonly ClusterHealth[]>>) | undefined;
  /** As `openAds`, for the health stream of our own sidecar. */
  openHealth(stream: StreamInfo): Promise<HealthSession<SidecarHealth>>;
}
