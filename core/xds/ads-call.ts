import { randomUUID } from "node:crypto";
import type { Clock } from "../kernel/clock.ts";
import { MeshError, toMeshError } from "../kernel/errors.ts";
import { AdsStream, type FramePort } from "./ads-stream.ts";
import type { ChannelSet } from "./channels.ts";
import type { Variant } from "./discovery-response.ts";
import { readNode } from "./node-reader.ts";
import type { AdsSession, StreamEvents, StreamInfo } from "./stream-events.ts";

/** Who opens a stream and says nothing for this long is not a proxy. */
export const FIRST_MESSAGE_MS = 30_000;

/** One call as its host (gRPC today) offers it. */
export interface CallPort extends Omit<FramePort, "end"> {
  /** Ends the call; the error's text is for the proxy. `passing`: the proxy did nothing wrong and may come back at once. */
  end(error: MeshError, passing: boolean): void;
  readonly variant: Variant;
  /** All values of the `authorization` metadata. */
  readonly credentials: readonly string[];
  readonly peer: string;
  /** Stops and restarts the flow of `onMessage`. */
  pause(): void;
  resume(): void;
}

export interface AdsCallDeps {
  readonly events: StreamEvents;
  readonly clock: Clock;
  readonly channels: (variant: Variant) => ChannelSet;
}

/**
 * The life of one call: the first message says who it is, the rest of the control plane accepts it or not (reading
 * pauses meanwhile), then an AdsStream serves it until it ends.
 */
export class AdsCall {
  readonly #port: CallPort;
  readonly #deps: AdsCallDeps;
  readonly #channels: ChannelSet;
  readonly #ended = new AbortController();
  #firstMessage: Disposable | undefined;
  #opening = false;
  #session: AdsSession | undefined;
  #stream: AdsStream | undefined;
  #subscription: Disposable | undefined;

  constructor(port: CallPort, deps: AdsCallDeps) {
    this.#port = port;
    this.#deps = deps;
    this.#channels = deps.channels(port.variant);
    this.#firstMessage = deps.clock.after(FIRST_MESSAGE_MS, () => {
      this.#end(new MeshError("MM700", `no first message came within ${FIRST_MESSAGE_MS / 1000} s`));
    });
  }

  onMessage(bytes: Uint8Array): void {
    if (this.#ended.signal.aborted) return;
    try {
      if (this.#stream) this.#stream.onRequest(bytes);
      else if (!this.#opening) void this.#open(bytes);
      // A host that pauses at once never gets here.
      else throw new MeshError("MM700", "a second message came before the first was answered");
    } catch (error) {
      this.#end(toMeshError(error));
    }
  }

  /** The transport is gone, or the client has finished. */
  onClosed(reason: string): void {
    if (this.#ended.signal.aborted) return;
    this.#firstMessage?.[Symbol.dispose]();
    this.#ended.abort();
    this.#subscription?.[Symbol.dispose]();
    this.#stream?.close();
    this.#session?.onClose(reason);
  }

  async #open(first: Uint8Array): Promise<void> {
    this.#opening = true;
    this.#firstMessage?.[Symbol.dispose]();
    this.#port.pause();
    try {
      const info = this.#introduce(first);
      const session = await this.#deps.events.openAds(info);
      if (this.#ended.signal.aborted) {
        session.onClose("the stream ended while it was being opened");
        return;
      }
      this.#session = session;
      this.#start(info, session, first);
    } catch (error) {
      this.#end(toMeshError(error));
    }
  }

  #introduce(first: Uint8Array): StreamInfo {
    const { node } = this.#channels.read(first);
    if (!node) throw new MeshError("MM700", "the first message of the stream carries no node");
    const { credentials, peer, variant } = this.#port;
    if (credentials.length > 1) throw new MeshError("MM301", "the stream carries more than one authorization");
    return {
      id: randomUUID(),
      service: "ads",
      variant,
      node: readNode(node),
      credential: credentials[0],
      peer,
      signal: this.#ended.signal,
      end: (error) => this.#end(error, true),
    };
  }

  #start(info: StreamInfo, session: AdsSession, first: Uint8Array): void {
    const stream = new AdsStream({
      channels: this.#channels,
      nodeId: info.node.id,
      session,
      port: {
        send: (frame, taken) => this.#port.send(frame, taken),
        end: (error) => this.#end(error),
        cut: (error) => this.#cut(error),
      },
      clock: this.#deps.clock,
    });
    this.#stream = stream;
    stream.onRequest(first);
    this.#subscription = session.subscribe((snapshot) => stream.update(snapshot));
    this.#port.resume();
  }

  #end(error: MeshError, passing = error.kind === "system"): void {
    if (this.#ended.signal.aborted) return;
    this.onClosed(error.message);
    this.#port.end(error, passing);
  }

  #cut(error: MeshError): void {
    if (this.#ended.signal.aborted) return;
    this.onClosed(error.message);
    this.#port.cut(error);
  }
}
