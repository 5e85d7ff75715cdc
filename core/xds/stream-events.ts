import type { XdsType } from "../envoy/encoded-resource.ts";
import { token } from "../kernel/token.ts";
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
  /** Unique per process. */
  readonly id: string;
  readonly service: "ads" | "hds";
  readonly variant: "sotw" | "delta";
  readonly node: StreamNode;
  /** The `authorization` metadata, verbatim; undefined when absent. */
  readonly credential: string | undefined;
  /** Remote address, for messages. */
  readonly peer: string;
  /** Aborts when the stream ends, for whatever reason. */
  readonly signal: AbortSignal;
}

/** The other side of an accepted ADS stream. All callbacks are cheap and never throw. */
export interface AdsSession {
  /** Starts the flow of snapshots; called once, right after the stream was accepted. */
  subscribe(onSnapshot: (snapshot: Snapshot) => void): Disposable;
  onSent(type: XdsType): void;
  /** `revision` is the snapshot's whose response was acknowledged; all of the type's resources of it are now in Envoy. */
  onAck(type: XdsType, revision: number): void;
  onNack(type: XdsType, message: string): void;
  onClose(reason: string): void;
}

/** The port through which core/xds asks the rest of the control plane. Implemented by core/dp-server. */
export interface StreamEvents {
  /** Authenticates and registers the proxy. A MeshError thrown here ends the stream with its message (gRPC status 2, contract 4.1; 16 and 7 for our own sidecars are not used: stock ones only look at the text). */
  openAds(stream: StreamInfo): Promise<AdsSession>;
}

export const StreamEvents = token<StreamEvents>("StreamEvents");
