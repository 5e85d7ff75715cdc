import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA = 0;
const HEADERS = 1;
const RST_STREAM = 3;
const SETTINGS = 4;
const PING = 6;
const GOAWAY = 7;
const WINDOW_UPDATE = 8;
const END_STREAM = 1;
const ACK = 1;
const END_HEADERS = 4;
const PADDED = 8;
const LARGEST_FRAME = 16_384;
/** What the server may send before it hears from us; Envoy gives as much. */
const WINDOW = 256 * 1024 * 1024;
const STREAM = 1;
/** All streams read into the same memory: by itself Node takes 64 KB for each read. */
const RECEIVED = Buffer.allocUnsafeSlow(65_536);
/**
 * What Envoy 1.40 offers with the bootstrap of a sidecar: as a client it stays below TLS 1.3 unless told otherwise, and
 * knows these two curves. That the certificate is the right one is checked by the tests of the sidecar, not here.
 */
const LIKE_ENVOY = {
  servername: "localhost",
  ALPNProtocols: ["h2"],
  maxVersion: "TLSv1.2",
  ecdhCurve: "X25519:prime256v1",
  rejectUnauthorized: false,
} as const;

export interface GrpcStreamOptions {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly authorization: string | undefined;
  /** A view: use it at once or not at all. */
  readonly onMessage: (message: Buffer) => void;
  readonly onEnd: (reason: string) => void;
}

/**
 * One gRPC stream on a TLS connection of its own, with no more HTTP/2 than that takes: a generator that costs as much as
 * what it measures would show itself.
 */
export class GrpcStream {
  readonly #socket: TLSSocket;
  readonly #options: GrpcStreamOptions;
  /** Bytes of a frame that is not complete. */
  #rest: Buffer | undefined;
  /** Payload of a message that is not complete. */
  #parts: Buffer[] = [];
  #received = 0;
  #unsent: Buffer[] = [];
  #connectionWindow = 65_535;
  #streamWindow = 65_535;
  #initialWindow = 65_535;
  #ended = false;

  constructor(options: GrpcStreamOptions) {
    const { host, port, path, authorization } = options;
    this.#options = options;
    const onread = {
      buffer: RECEIVED,
      callback: (length: number, bytes: Uint8Array) => {
        this.#onBytes((bytes as Buffer).subarray(0, length));
        return true;
      },
    };
    // The types of node:tls lack this option of node:net.
    this.#socket = connect({ ...LIKE_ENVOY, host, port, onread } as ConnectionOptions);
    this.#socket.setNoDelay(true);
    this.#socket.on("error", (error) => this.#end(error.message));
    this.#socket.on("close", () => this.#end("the connection was closed"));
    const settings = Buffer.alloc(6);
    settings.writeUInt16BE(4, 0);
    settings.writeUInt32BE(WINDOW, 2);
    this.#socket.write(
      Buffer.concat([
        Buffer.from(PREFACE),
        frame(SETTINGS, 0, 0, settings),
        frame(WINDOW_UPDATE, 0, 0, uint32(WINDOW)),
        frame(HEADERS, END_HEADERS, STREAM, headerBlock(path, `${host}:${port}`, authorization)),
      ]),
    );
  }

  /**
   * Writes once the sockets that are readable now are read: a real sidecar learns of a change without waiting for the
   * acknowledgements of others, which one process can only write one after the other.
   */
  send(message: Uint8Array): void {
    const framed = Buffer.allocUnsafe(5 + message.byteLength);
    framed[0] = 0;
    framed.writeUInt32BE(message.byteLength, 1);
    framed.set(message, 5);
    this.#unsent.push(framed);
    if (this.#unsent.length === 1) setImmediate(() => this.#flush());
  }

  /** Reads nothing more: the buffers of both kernels fill, then the server's turn comes. */
  pause(): void {
    this.#socket.pause();
  }

  /** Sends what a keepalive sends. */
  ping(): void {
    if (!this.#ended) this.#socket.write(frame(PING, 0, 0, Buffer.alloc(8)));
  }

  destroy(): void {
    this.#ended = true;
    this.#socket.destroy();
  }

  #flush(): void {
    for (let next = this.#unsent[0]; next; next = this.#unsent[0]) {
      const length = Math.min(next.byteLength, this.#connectionWindow, this.#streamWindow, LARGEST_FRAME);
      if (length <= 0) return;
      this.#connectionWindow -= length;
      this.#streamWindow -= length;
      this.#socket.write(frame(DATA, 0, STREAM, next.subarray(0, length)));
      if (length < next.byteLength) this.#unsent[0] = next.subarray(length);
      else this.#unsent.shift();
    }
  }

  #onBytes(bytes: Buffer): void {
    const all = this.#rest ? Buffer.concat([this.#rest, bytes]) : bytes;
    let at = 0;
    while (at + 9 <= all.byteLength) {
      const length = all.readUIntBE(at, 3);
      const end = at + 9 + length;
      if (end > all.byteLength) break;
      const [type = 0, flags = 0] = [all[at + 3], all[at + 4]];
      this.#onFrame(type, flags, all.readUInt32BE(at + 5), all.subarray(at + 9, end));
      at = end;
    }
    this.#rest = at < all.byteLength ? Buffer.from(all.subarray(at)) : undefined;
  }

  #onFrame(type: number, flags: number, stream: number, payload: Buffer): void {
    switch (type) {
      case DATA:
        this.#onData(flags & PADDED ? payload.subarray(1, payload.byteLength - (payload[0] as number)) : payload);
        this.#credit(payload.byteLength);
        if (flags & END_STREAM) this.#end("the server ended the stream");
        return;
      case HEADERS:
        if (flags & END_STREAM) this.#end("the server refused or ended the stream; its log says why");
        return;
      case RST_STREAM:
        this.#end(`the server reset the stream (${payload.readUInt32BE(0)})`);
        return;
      case SETTINGS:
        if (!(flags & ACK)) this.#onSettings(payload);
        return;
      case PING:
        if (!(flags & ACK)) this.#socket.write(frame(PING, ACK, 0, payload));
        return;
      case GOAWAY:
        this.#end("the server closes the connection");
        return;
      case WINDOW_UPDATE:
        if (stream === 0) this.#connectionWindow += payload.readUInt32BE(0);
        else this.#streamWindow += payload.readUInt32BE(0);
        this.#flush();
        return;
    }
  }

  #onSettings(payload: Buffer): void {
    for (let at = 0; at + 6 <= payload.byteLength; at += 6) {
      if (payload.readUInt16BE(at) !== 4) continue;
      const window = payload.readUInt32BE(at + 2);
      this.#streamWindow += window - this.#initialWindow;
      this.#initialWindow = window;
    }
    this.#socket.write(frame(SETTINGS, ACK, 0, Buffer.alloc(0)));
    this.#flush();
  }

  #onData(payload: Buffer): void {
    const all = this.#parts.length > 0 ? Buffer.concat([...this.#parts, payload]) : payload;
    let at = 0;
    while (at + 5 <= all.byteLength) {
      const end = at + 5 + all.readUInt32BE(at + 1);
      if (end > all.byteLength) break;
      this.#options.onMessage(all.subarray(at + 5, end));
      at = end;
    }
    this.#parts = at < all.byteLength ? [Buffer.from(all.subarray(at))] : [];
  }

  /** Gives back what was read, seldom: a window of 256 MB lasts long. */
  #credit(bytes: number): void {
    this.#received += bytes;
    if (this.#received < 1024 * 1024) return;
    const credit = uint32(this.#received);
    this.#received = 0;
    this.#socket.write(Buffer.concat([frame(WINDOW_UPDATE, 0, 0, credit), frame(WINDOW_UPDATE, 0, STREAM, credit)]));
  }

  #end(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#socket.destroy();
    this.#options.onEnd(reason);
  }
}

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(9 + payload.byteLength);
  bytes.writeUIntBE(payload.byteLength, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(stream, 5);
  payload.copy(bytes, 9);
  return bytes;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** HPACK without its tables: literal fields, never indexed, uncompressed. */
function headerBlock(path: string, authority: string, authorization: string | undefined): Buffer {
  const fields = [
    [":method", "POST"],
    [":scheme", "https"],
    [":path", path],
    [":authority", authority],
    ["content-type", "application/grpc"],
    ["te", "trailers"],
    ...(authorization === undefined ? [] : [["authorization", authorization]]),
  ];
  return Buffer.concat(fields.flatMap(([name = "", value = ""]) => [Buffer.from([0x10]), text(name), text(value)]));
}

/** A string as HPACK has it: a length with a 7 bit prefix, then the bytes. */
function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  const length: number[] = [];
  if (bytes.byteLength < 127) length.push(bytes.byteLength);
  else {
    length.push(127);
    let rest = bytes.byteLength - 127;
    for (; rest > 127; rest >>>= 7) length.push((rest & 127) | 128);
    length.push(rest);
  }
  return Buffer.concat([Buffer.from(length), bytes]);
}
