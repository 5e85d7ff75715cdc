import { performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import type { Clock } from "../kernel/clock.ts";
import type { Newcomers } from "../kernel/newcomers.ts";
import { Outflow } from "../kernel/outflow.ts";
import { type Peer, peerOf } from "../kernel/peer.ts";
import { Turns } from "../kernel/turns.ts";
import { type CallHandler, type GrpcCall, Http2Call } from "./grpc-call.ts";
import { Keepalive, type KeepaliveOptions, type KeptPeer } from "./keepalive.ts";
import { GRPC_STATUS, statusTrailers } from "./status.ts";

/** Serves calls of one method; returns what is to be told. */
export type ServeCall = (call: GrpcCall) => CallHandler;

export interface GrpcServerOptions {
  /** By path: `/package.Service/Method`. */
  readonly methods: Readonly<Record<string, ServeCall>>;
  readonly clock: Clock;
  /** Largest message that is accepted, in bytes. */
  readonly maxMessageBytes: number;
  /** Is told of each write, for who has much to send. */
  readonly outflow?: Outflow | undefined;
  /** Is told of what is read, for when many join at once. */
  readonly newcomers?: Newcomers | undefined;
  /** Undefined: peers are never asked whether they are there. */
  readonly keepalive?: Omit<KeepaliveOptions, "clock" | "turns"> | undefined;
}

/** What the calls of all connections share. */
interface ConnectionOptions extends GrpcServerOptions {
  readonly turns: Turns;
  readonly outflow: Outflow;
}

/** The first request of an Envoy has 60 KB: with windows that hold it nobody waits for permission to go on. */
const WINDOW_BYTES = 256 * 1024;
/** Node counts what a session holds, and refuses streams beyond it; 10 MB by default. In MB. */
const MAX_SESSION_MEMORY = 64;

/**
 * A gRPC server on connections that others accept: bidirectional methods whose messages stay bytes, which is all that xDS
 * is. On node:http2 itself; a gRPC library on top of it took a sixth of the CPU of a message (docs/engine.md).
 */
export class GrpcServer {
  readonly #options: ConnectionOptions;
  readonly #connections = new Set<Connection>();
  readonly #keepalive: Keepalive | undefined;

  constructor(options: GrpcServerOptions) {
    const { clock, keepalive, outflow = new Outflow() } = options;
    const turns = new Turns(clock, () => outflow.flooded);
    this.#options = { ...options, outflow, turns };
    if (keepalive) this.#keepalive = new Keepalive({ clock, turns, ...keepalive });
  }

  /** Takes over a connection that agreed on h2. */
  accept(socket: Socket): void {
    const connection = new Connection(socket, this.#options);
    this.#connections.add(connection);
    this.#keepalive?.add(connection);
    connection.session.on("close", () => {
      this.#connections.delete(connection);
      this.#keepalive?.remove(connection);
    });
  }

  /** Breaks all connections. */
  close(): void {
    for (const connection of this.#connections) connection.session.destroy();
  }
}

class Connection implements KeptPeer, Peer {
  readonly session: ServerHttp2Session;
  heardAt: number;
  asked = false;
  readonly #options: ConnectionOptions;
  /** `address:port` */
  readonly #peer: string;
  readonly #socketPeer: Peer;

  constructor(socket: Socket, options: ConnectionOptions) {
    this.#options = options;
    this.heardAt = options.clock.monotonic();
    this.#peer = `${socket.remoteAddress}:${socket.remotePort}`;
    this.#socketPeer = peerOf(socket);
    const session = performServerHandshake(socket, {
      maxSessionMemory: MAX_SESSION_MEMORY,
      settings: { initialWindowSize: WINDOW_BYTES, enablePush: false },
    });
    this.session = session;
    session.setLocalWindowSize(WINDOW_BYTES);
    session.on("ping", () => this.heard());
    session.on("stream", (stream, headers, _flags, rawHeaders) => {
      this.#serve(stream, headers, rawHeaders as unknown as readonly string[]);
    });
    // "close" follows.
    session.on("error", () => undefined);
  }

  heard(): void {
    this.heardAt = this.#options.clock.monotonic();
    this.#options.newcomers?.noteRead();
  }

  ask(): void {
    if (!this.session.destroyed) this.session.ping((error) => error ?? this.heard());
  }

  lost(): void {
    this.session.destroy();
  }

  leaveUnread(): void {
    if (!this.session.destroyed) this.#socketPeer.leaveUnread();
  }

  readAgain(): void {
    if (!this.session.destroyed) this.#socketPeer.readAgain();
  }

  #serve(
    stream: ServerHttp2Stream,
    headers: Readonly<Record<string, string | readonly string[] | undefined>>,
    rawHeaders: readonly string[],
  ): void {
    const { methods, clock, turns, outflow, maxMessageBytes } = this.#options;
    this.heard();
    const path = String(headers[":path"]);
    if (headers[":method"] !== "POST" || !String(headers["content-type"]).startsWith("application/grpc")) {
      refuse(stream, { ":status": 415 });
      return;
    }
    const serve = Object.hasOwn(methods, path) ? methods[path] : undefined;
    if (!serve) {
      const trailers = statusTrailers(GRPC_STATUS.unimplemented, `there is no method ${path}`);
      refuse(stream, { ":status": 200, "content-type": "application/grpc", ...trailers });
      return;
    }
    const peer = this.#peer;
    new Http2Call({ stream, rawHeaders, peer, clock, turns, outflow, maxMessageBytes, serve, connection: this });
  }
}

function refuse(stream: ServerHttp2Stream, headers: Record<string, string | number>): void {
  stream.on("error", () => undefined);
  stream.respond(headers, { endStream: true });
  stream.resume();
}
