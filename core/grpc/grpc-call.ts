import type { ServerHttp2Stream } from "node:http2";
import type { Clock } from "../kernel/clock.ts";
import { LoopTurn } from "../kernel/loop-turn.ts";
import type { Outflow } from "../kernel/outflow.ts";
import type { Peer } from "../kernel/peer.ts";
import type { Turns } from "../kernel/turns.ts";
import {
  bytesOf,
  createMessageSplitter,
  frameMessage,
  type GrpcMessage,
  type MessageSplitter,
  toPieces,
  withPrefix,
} from "./framing.ts";
import { GRPC_STATUS, type GrpcStatus, statusTrailers } from "./status.ts";

/** A call that was ended here and still waits for its client is broken off after this; milliseconds. */
const END_GRACE_MS = 5000;
/** A message up to this size is not waited for if nothing else is on its way. A larger one goes in such pieces. */
const PIECE_BYTES = 16_000;
/**
 * What Node still has to do for a piece when the code that wrote it has returned: a frame, encryption, a system call;
 * milliseconds. When a policy changed every cluster, 800 pieces in a turn took 15 ms that no share had counted (docs/engine.md).
 */
const WRITE_MS = 0.02;

const LOST = "the connection ended";

/** What the server of a call hears. Callbacks never throw. */
export interface CallHandler {
  /** A view of what was read: use it at once or copy it. */
  onMessage(message: Buffer): void;
  /** The call is over, whoever ended it; called once. */
  onClosed(reason: string): void;
}

/** One bidirectional call, seen from its server. Messages are bytes. */
export interface GrpcCall {
  /** `address:port` of the client. */
  readonly peer: string;
  /** Metadata with this name that was sent with the call; names in lower case. */
  metadata(name: string): readonly string[];
  /** Hands over one message. `taken` is called once, when the next one may follow: at once for a small one on an idle stream. */
  send(message: GrpcMessage, taken: () => void): void;
  /** Ends the call with a status. A client that does not let go of it then is cut off after 5 s. */
  end(status: GrpcStatus, message: string, metadata?: Readonly<Record<string, string>>): void;
  /** Breaks the connection: for a client that reads nothing and so cannot be told. */
  cut(): void;
  /** Stops and restarts the flow of messages. */
  pause(): void;
  resume(): void;
}

export interface Http2CallOptions {
  readonly stream: ServerHttp2Stream;
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[];
  readonly peer: string;
  readonly clock: Clock;
  /** For messages that came and for what follows a write: with thousands of calls these come in crowds. */
  readonly turns: Turns;
  /** Hears of each write. */
  readonly outflow: Outflow;
  readonly maxMessageBytes: number;
  readonly serve: (call: GrpcCall) => CallHandler;
  readonly connection: Peer & {
    /** The client said something. */
    heard(): void;
    /** Breaks it. */
    lost(): void;
  };
}

/** A part of a message that is written at once. */
interface Piece {
  readonly chunks: readonly Uint8Array[];
  /** Of the last piece. */
  readonly taken: (() => void) | undefined;
}

/** The same message of one chunk goes to many calls one after the other; it is framed once. */
let lastMessage: Uint8Array | undefined;
let lastFramed: Buffer = Buffer.alloc(0);

function framed(message: Uint8Array): Buffer {
  if (message !== lastMessage) {
    lastFramed = frameMessage(message);
    lastMessage = message;
  }
  return lastFramed;
}

/** A call on a stream of node:http2 (gRPC over HTTP/2, without compression). */
export class Http2Call implements GrpcCall {
  readonly peer: string;
  readonly #stream: ServerHttp2Stream;
  readonly #rawHeaders: readonly string[];
  readonly #clock: Clock;
  readonly #loopTurn: LoopTurn;
  readonly #turns: Turns;
  readonly #outflow: Outflow;
  readonly #connection: Http2CallOptions["connection"];
  readonly #splitter: MessageSplitter;
  readonly #handler: CallHandler;
  /** Messages that had come when the flow was stopped; undefined while it is not. */
  #held: Buffer[] | undefined;
  /** They wait for the one before them, which is under way. */
  #pieces: Piece[] = [];
  #writing = false;
  #ended = false;
  #closed = false;
  #grace: Disposable | undefined;
  readonly #left = () => this.#outflow.left(this.#connection);

  constructor(options: Http2CallOptions) {
    const { stream, maxMessageBytes } = options;
    this.peer = options.peer;
    this.#stream = stream;
    this.#rawHeaders = options.rawHeaders;
    this.#clock = options.clock;
    this.#loopTurn = LoopTurn.of(options.clock);
    this.#turns = options.turns;
    this.#outflow = options.outflow;
    this.#connection = options.connection;
    this.#handler = options.serve(this);
    this.#splitter = createMessageSplitter((message) => this.#turns.take(() => this.#pass(message)), maxMessageBytes);
    stream.on("data", (chunk: Buffer) => this.#read(chunk, maxMessageBytes));
    stream.on("end", () => this.#finished());
    // "close" follows and says the same.
    stream.on("error", () => undefined);
    stream.on("close", () => {
      this.#grace?.[Symbol.dispose]();
      // A crowd of them, when a network fails.
      this.#turns.take(() => this.#close(LOST));
    });
  }

  metadata(name: string): readonly string[] {
    const raw = this.#rawHeaders;
    return raw.filter((_, at) => at % 2 === 1 && raw[at - 1]?.toLowerCase() === name);
  }

  send(message: GrpcMessage, taken: () => void): void {
    const stream = this.#stream;
    if (this.#ended || stream.destroyed) return;
    if (!stream.headersSent) stream.respond(RESPONSE_HEADERS, { waitForTrailers: true });
    const chunks = message instanceof Uint8Array ? [framed(message)] : withPrefix(message);
    if (!this.#writing && stream.writableLength === 0 && bytesOf(chunks) <= PIECE_BYTES) {
      this.#write(chunks);
      taken();
      return;
    }
    const pieces = toPieces(chunks, PIECE_BYTES);
    for (const [at, piece] of pieces.entries()) {
      this.#pieces.push({ chunks: piece, taken: at === pieces.length - 1 ? taken : undefined });
    }
    if (!this.#writing) this.#writeNext();
  }

  end(status: GrpcStatus, message: string, metadata?: Readonly<Record<string, string>>): void {
    if (this.#ended) return;
    this.#ended = true;
    const stream = this.#stream;
    if (stream.destroyed) return;
    const trailers = statusTrailers(status, message, metadata);
    if (stream.headersSent) {
      for (const { chunks } of this.#pieces.splice(0)) this.#write(chunks);
      stream.once("wantTrailers", () => stream.sendTrailers(trailers));
      stream.end();
    } else stream.respond({ ...RESPONSE_HEADERS, ...trailers }, { endStream: true });
    this.#grace = this.#clock.after(END_GRACE_MS, () => this.cut());
  }

  cut(): void {
    this.#connection.lost();
  }

  pause(): void {
    this.#held ??= [];
    this.#stream.pause();
  }

  resume(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const message of held) this.#pass(message);
    if (this.#held === undefined) this.#stream.resume();
  }

  /** Piece by piece: Node keeps a buffer for each connection that is as large as the largest write to it ever was. */
  #writeNext(): void {
    const piece = this.#pieces.shift();
    this.#writing = piece !== undefined;
    if (!piece) return;
    this.#write(piece.chunks, (error) => {
      this.#left();
      if (error) return;
      this.#turns.take(() => {
        piece.taken?.();
        this.#writeNext();
      });
    });
  }

  #write(chunks: readonly Uint8Array[], written: (error?: Error | null) => void = this.#left): void {
    this.#loopTurn.owes(WRITE_MS);
    this.#outflow.wrote(this.#connection);
    const stream = this.#stream;
    const last = chunks.length - 1;
    if (last > 0) stream.cork();
    for (let at = 0; at < last; at++) stream.write(chunks[at]);
    stream.write(chunks[last], written);
    if (last > 0) stream.uncork();
  }

  #pass(message: Buffer): void {
    if (this.#closed) return;
    if (this.#held) this.#held.push(message);
    else this.#handler.onMessage(message);
  }

  #read(chunk: Buffer, limit: number): void {
    this.#connection.heard();
    if (this.#ended) return;
    const problem = this.#splitter.push(chunk);
    if (problem === undefined) return;
    if (problem === "compressed") this.end(GRPC_STATUS.unimplemented, "a message is compressed; that is not supported");
    else this.end(GRPC_STATUS.resourceExhausted, `a message is larger than ${limit} bytes`);
    this.#close(`a message of the proxy is ${problem}`);
  }

  /** A lost connection looks like a polite end first; a turn of the event loop later it does not. */
  #finished(): void {
    setImmediate(() => {
      const { aborted, destroyed, rstCode } = this.#stream;
      const reason = aborted || destroyed || rstCode ? LOST : "the proxy ended the stream";
      // Behind its last messages.
      this.#turns.take(() => {
        this.#close(reason);
        this.end(GRPC_STATUS.ok, "");
      });
    });
  }

  #close(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#handler.onClosed(reason);
  }
}

const RESPONSE_HEADERS = { ":status": 200, "content-type": "application/grpc", "grpc-accept-encoding": "identity" };
