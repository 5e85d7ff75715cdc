import { readFileSync } from "node:fs";
import {
  createSecureServer,
  type Http2SecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo, Socket } from "node:net";

const fixture = (name: string) => readFileSync(new URL(`./fixtures/${name}`, import.meta.url), "utf8");
/** Self-signed for localhost and 127.0.0.1, so it is its own CA. */
export const TEST_CERT = fixture("cert.pem");
export const TEST_KEY = fixture("key.pem");

export interface OpenedCall {
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  readonly received: Buffer[];
}

/** A TLS server that speaks enough gRPC to stand in for a control plane in tests of the sidecar's own connection. */
export class TlsControlPlane implements AsyncDisposable {
  readonly calls: OpenedCall[] = [];
  readonly sessions = new Set<ServerHttp2Session>();
  /** What happens with a call; the default answers nothing and keeps it open. */
  onCall: (call: OpenedCall) => void = (call) =>
    call.stream.respond({ ":status": 200, "content-type": "application/grpc" });
  #server: Http2SecureServer;
  #port = 0;
  readonly #sockets = new Set<Socket>();
  #waiting: (() => void)[] = [];

  constructor() {
    this.#server = this.#make();
  }

  get port(): number {
    return this.#port;
  }

  get authority(): string {
    return `https://127.0.0.1:${this.#port}`;
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, "127.0.0.1", resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** As a killed process: every connection is cut. */
  async kill(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    this.#server = this.#make();
  }

  /** Resolves when this many calls were opened since the beginning. */
  async opened(count: number): Promise<OpenedCall> {
    while (this.calls.length < count) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.calls[count - 1] as OpenedCall;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server.listening) await this.kill();
  }

  #make(): Http2SecureServer {
    const server = createSecureServer({ key: TEST_KEY, cert: TEST_CERT });
    server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
    server.on("session", (session) => {
      this.sessions.add(session);
      session.on("error", () => undefined);
      session.on("close", () => this.sessions.delete(session));
    });
    server.on("stream", (stream, headers) => {
      const call: OpenedCall = { stream, headers, received: [] };
      stream.on("error", () => undefined);
      this.onCall(call);
      stream.on("data", (chunk: Buffer) => call.received.push(chunk));
      this.calls.push(call);
      for (const wake of this.#waiting.splice(0)) wake();
    });
    return server;
  }
}

/** Ends a call with a gRPC status, in trailers. */
export function endCall(call: OpenedCall, status: number, message = ""): void {
  const { stream } = call;
  if (stream.headersSent) {
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": String(status), "grpc-message": message }));
    stream.end();
  } else {
    stream.respond(
      { ":status": 200, "content-type": "application/grpc", "grpc-status": String(status), "grpc-message": message },
      { endStream: true },
    );
  }
}
