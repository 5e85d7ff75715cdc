import type { XdsType } from "../envoy/encoded-resource.ts";
import { token } from "../kernel/token.ts";
import type { ProxyId } from "./snapshot.ts";

/** Where the streams report what their proxies hold; the other side of `Acknowledgements`. */
export interface AckSink {
  /**
   * The proxy holds every resource of this type that it asked for, as of this snapshot revision: all was sent and accepted,
   * or nothing had to be sent. Revisions of one stream and type only grow. A refusal is never reported here.
   */
  acknowledged(proxy: ProxyId, streamId: string, type: XdsType, revision: number): void;
  /** The stream ended, or lost its place to another sidecar. What it acknowledged no longer counts. */
  closed(proxy: ProxyId, streamId: string): void;
}

export const AckSink = token<AckSink>("AckSink");
