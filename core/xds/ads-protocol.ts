import type { Clock } from "../kernel/clock.ts";
import { AdsStream } from "./ads-stream.ts";
import type { ChannelSet } from "./channels.ts";
import type { Variant } from "./discovery-response.ts";
import { readNode } from "./node-reader.ts";
import type { AcceptedCall, CallProtocol, FramePort } from "./proxy-call.ts";
import type { AdsSession, StreamEvents } from "./stream-events.ts";

export interface AdsProtocolDeps {
  readonly events: Pick<StreamEvents, "openAds">;
  readonly clock: Clock;
  readonly channels: (variant: Variant) => ChannelSet;
}

/** ADS for one call: whoever is let in is served by an AdsStream. */
export function createAdsProtocol(variant: Variant, deps: AdsProtocolDeps): CallProtocol {
  const channels = deps.channels(variant);
  return {
    service: "ads",
    readNode(first) {
      const { node } = channels.read(first);
      return node && readNode(node);
    },
    async accept(info) {
      return new AcceptedAds(await deps.events.openAds(info), channels, info.node.id, deps.clock);
    },
  };
}

class AcceptedAds implements AcceptedCall {
  readonly #session: AdsSession;
  readonly #channels: ChannelSet;
  readonly #nodeId: string;
  readonly #clock: Clock;
  #stream: AdsStream | undefined;
  #subscription: Disposable | undefined;

  constructor(session: AdsSession, channels: ChannelSet, nodeId: string, clock: Clock) {
    this.#session = session;
    this.#channels = channels;
    this.#nodeId = nodeId;
    this.#clock = clock;
  }

  start(port: FramePort, first: Uint8Array): void {
    const stream = new AdsStream({
      channels: this.#channels,
      nodeId: this.#nodeId,
      session: this.#session,
      port,
      clock: this.#clock,
    });
    this.#stream = stream;
    stream.onRequest(first);
    this.#subscription = this.#session.subscribe((snapshot) => stream.update(snapshot));
  }

  onMessage(bytes: Uint8Array): void {
    this.#stream?.onRequest(bytes);
  }

  onClose(reason: string): void {
    this.#subscription?.[Symbol.dispose]();
    this.#stream?.close();
    this.#session.onClose(reason);
  }
}
