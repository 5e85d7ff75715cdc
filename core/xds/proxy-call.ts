import { randomUUID } from "node:crypto";
import type { GrpcMessage } from "../grpc/framing.ts";
import type { Clock } from "../kernel/clock.ts";
import { MeshError, toMeshError } from "../kernel/errors.ts";
import type { StreamInfo, StreamNode } from "./stream-events.ts";

/** Who opens a stream and says nothing for this long is not a proxy. */
export const FIRST_MESSAGE_MS = 30_000;

/** What a stream needs of its transport. */
export interface FramePort {
  /** Hands over one message. `taken` is called once, when the transport has passed it on; the next one waits for that. */
  send(message: GrpcMessage, taken: () => void): void;
  /** Ends the stream; the error's text is for the proxy. */
  end(error: MeshError): void;
  /** Breaks the connection of a client that reads nothing: it could not be told. */
  cut(error: MeshError): void;
}

/** One call as its host (gRPC today) offers it. */
export interface CallPort extends Omit<FramePort, "end"> {
  /** Ends the call; the error's text is for the proxy. `passing`: the proxy did nothing wrong and may come back at once. */
  end(error: MeshError, passing: boolean): void;
  /** All values of the `authorization` metadata. */
  readonly credentials: readonly string[];
  /** The `monomesh-health` metadata. */
  readonly health: string | undefined;
  readonly peer: string;
  /** Stops and restarts the flow of `onMessage`. */
  pause(): void;
  resume(): void;
}

/** What is special about one kind of stream. Messages are bytes; keep no part of them. */
export interface CallProtocol {
  readonly service: StreamInfo["service"];
  /** The Node of the first message; undefined if it carries none. */
  readNode(first: Uint8Array): StreamNode | undefined;
  /** Resolves when the proxy is let in; may wait as long as the stream lives. */
  accept(info: StreamInfo): Promise<AcceptedCall>;
}

/** A call that was let in. Its methods may throw MeshErrors, which end it. */
export interface AcceptedCall {
  /** Called once, before everything else but `onClose`. */
  start(port: FramePort, first: Uint8Array): void;
  onMessage(bytes: Uint8Array): void;
  /** The call is over, also one that never started. */
  onClose(reason: string): void;
}

/**
 * The life of one call: the first message says who it is, the rest of the control plane accepts it or not (reading
 * pauses meanwhile), then it is served until it ends.
 */
export class ProxyCall {
  readonly #port: CallPort;
  readonly #protocol: CallProtocol;
  readonly #ended = new AbortController();
  readonly #firstMessage: Disposable;
  #opening = false;
  /** As the signal says, which is slow to ask for each message. */
  #over = false;
  #accepted: AcceptedCall | undefined;

  constructor(port: CallPort, protocol: CallProtocol, clock: Clock) {
    this.#port = port;
    this.#protocol = protocol;
    this.#firstMessage = clock.after(FIRST_MESSAGE_MS, () => {
      this.#end(new MeshError("MM700", `no first message came within ${FIRST_MESSAGE_MS / 1000} s`));
    });
  }

  onMessage(bytes: Uint8Array): void {
    if (this.#over) return;
    try {
      if (this.#accepted) this.#accepted.onMessage(bytes);
      else if (!this.#opening) void this.#open(bytes);
      // A host that pauses at once never gets here.
      else throw new MeshError("MM700", "a second message came before the first was answered");
    } catch (error) {
      this.#end(toMeshError(error));
    }
  }

  /** The transport is gone, or the client has finished. */
  onClosed(reason: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#firstMessage[Symbol.dispose]();
    this.#ended.abort();
    this.#accepted?.onClose(reason);
  }

  async #open(first: Uint8Array): Promise<void> {
    this.#opening = true;
    this.#firstMessage[Symbol.dispose]();
    this.#port.pause();
    try {
      const accepted = await this.#protocol.accept(this.#introduce(first));
      if (this.#over) {
        accepted.onClose("the stream ended while it was being opened");
        return;
      }
      this.#accepted = accepted;
      accepted.start(
        {
          send: (message, taken) => this.#port.send(message, taken),
          end: (error) => this.#end(error),
          cut: (error) => this.#cut(error),
        },
        first,
      );
      this.#port.resume();
    } catch (error) {
      this.#end(toMeshError(error));
    }
  }

  #introduce(first: Uint8Array): StreamInfo {
    const node = this.#protocol.readNode(first);
    if (!node) throw new MeshError("MM700", "the first message of the stream carries no node");
    const { credentials, health, peer } = this.#port;
    if (credentials.length > 1) throw new MeshError("MM301", "the stream carries more than one authorization");
    return {
      id: randomUUID(),
      service: this.#protocol.service,
      node,
      credential: credentials[0],
      health,
      peer,
      signal: this.#ended.signal,
      end: (error) => this.#end(error, true),
    };
  }

  #end(error: MeshError, passing = error.kind === "system"): void {
    if (this.#over) return;
    this.onClosed(error.message);
    this.#port.end(error, passing);
  }

  #cut(error: MeshError): void {
    if (this.#over) return;
    this.onClosed(error.message);
    this.#port.cut(error);
  }
}
