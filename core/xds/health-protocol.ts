import type { AcceptedCall, CallProtocol, FramePort } from "./proxy-call.ts";
import type { HealthSession, StreamInfo, StreamNode } from "./stream-events.ts";

export interface HealthProtocolOptions<Report> {
  readonly service: "hds" | "health";
  readNode(first: Uint8Array): StreamNode | undefined;
  /** What a message says; undefined if it says nothing about health. */
  readReport(message: Uint8Array): Report | undefined;
  open(info: StreamInfo): Promise<HealthSession<Report>>;
}

/** A stream on which the proxy is told what to probe, and tells what came of it. Only the newest instruction is worth sending. */
export function createHealthProtocol<Report>(options: HealthProtocolOptions<Report>): CallProtocol {
  return {
    service: options.service,
    readNode: options.readNode,
    async accept(info) {
      return new AcceptedHealth(options.readReport, await options.open(info));
    },
  };
}

class AcceptedHealth<Report> implements AcceptedCall {
  readonly #read: (message: Uint8Array) => Report | undefined;
  readonly #session: HealthSession<Report>;
  #port: FramePort | undefined;
  #subscription: Disposable | undefined;
  #sending = false;
  #next: Uint8Array | undefined;

  constructor(read: (message: Uint8Array) => Report | undefined, session: HealthSession<Report>) {
    this.#read = read;
    this.#session = session;
  }

  start(port: FramePort, first: Uint8Array): void {
    this.#port = port;
    this.onMessage(first);
    this.#subscription = this.#session.subscribe((message) => this.#send(message));
  }

  onMessage(bytes: Uint8Array): void {
    const report = this.#read(bytes);
    if (report !== undefined) this.#session.onReport(report);
  }

  onClose(reason: string): void {
    this.#subscription?.[Symbol.dispose]();
    this.#session.onClose(reason);
  }

  #send(message: Uint8Array): void {
    if (this.#sending) {
      this.#next = message;
      return;
    }
    this.#sending = true;
    this.#port?.send(message, () => {
      this.#sending = false;
      const next = this.#next;
      this.#next = undefined;
      if (next) this.#send(next);
    });
  }
}
