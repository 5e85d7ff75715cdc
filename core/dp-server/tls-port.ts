import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import type { TlsIdentity } from "../ca/control-plane-ca.ts";
import type { Clock } from "../kernel/clock.ts";
import { Leavers } from "../kernel/leavers.ts";
import { listenError } from "../kernel/listen-error.ts";
import type { Logger } from "../kernel/log.ts";
import type { Newcomers } from "../kernel/newcomers.ts";
import { peerOf } from "../kernel/peer.ts";
import type { Scope } from "../kernel/scope.ts";
import type { Turns } from "../kernel/turns.ts";

/** Who connects and sends nothing, or does not finish the handshake, is dropped after this; milliseconds. */
const HANDSHAKE_MS = 5000;
/** First byte of a TLS record of type handshake. */
const TLS_HANDSHAKE = 0x16;

export interface TlsPortOptions {
  /** All addresses if undefined. */
  readonly host: string | undefined;
  readonly port: number;
  readonly identity: TlsIdentity;
  readonly scope: Scope;
  readonly clock: Clock;
  readonly log: Logger;
  /** For the handshakes. */
  readonly turns: Turns;
  readonly newcomers: Newcomers;
  /** Somebody connected; who it is comes out later. */
  readonly onConnection?: () => void;
  readonly onHttp1: (socket: TLSSocket) => void;
  readonly onHttp2: (socket: TLSSocket) => void;
}

export interface TlsPort {
  /** The port that it got. */
  readonly port: number;
  /** New connections see this identity; open ones stay. */
  setIdentity(identity: TlsIdentity): void;
}

/**
 * One TLS port for HTTP/1.1 and gRPC (xds-notes, section 4, variant A). A client that offers http/1.1 gets it, so that tools
 * which offer both can call `/bootstrap`; gRPC clients offer h2 alone. Plain HTTP gets an answer that says what is wrong.
 * Listens when it resolves; MM202 when the port is taken.
 */
export async function openTlsPort(options: TlsPortOptions): Promise<TlsPort> {
  const { scope, clock, log, turns, newcomers } = options;
  const sockets = new Set<Socket>();
  const leavers = new Leavers(clock);
  const tls = createTlsServer({
    ...tlsOptions(options.identity),
    handshakeTimeout: HANDSHAKE_MS,
    ALPNCallback: ({ protocols }) => ["http/1.1", "h2"].find((each) => protocols.includes(each)),
  });
  tls.on("secureConnection", (socket) => {
    newcomers.noteRead();
    // Also because without a listener the reset of an idle connection would end the process.
    socket.on("error", () => leavers.noteEnd());
    socket.on("end", () => leavers.noteEnd());
    if (socket.alpnProtocol === "h2") options.onHttp2(socket);
    else options.onHttp1(socket);
  });
  tls.on("tlsClientError", (error, socket) => {
    log.debug("handshake", `TLS handshake with ${socket.remoteAddress ?? "somebody"} failed: ${error.message}`);
    socket.destroy();
  });
  const handshake = (socket: Socket) => {
    if (!socket.destroyed) tls.emit("connection", socket);
  };
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    const peer = peerOf(socket);
    newcomers.add(peer);
    leavers.add(peer);
    options.onConnection?.();
    socket.once("close", () => {
      newcomers.delete(peer);
      leavers.delete(peer);
      sockets.delete(socket);
    });
    socket.on("error", () => undefined);
    sniff(socket, clock, () => {
      newcomers.noteRead();
      turns.take(() => handshake(socket));
    });
  });
  await listen(server, options);
  server.on("error", (error) => log.error("dp-server", `the DP server cannot accept a connection: ${error.message}`));
  scope.defer(async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of sockets) socket.destroy();
    await closed;
  });
  return {
    port: (server.address() as { port: number }).port,
    setIdentity: (identity) => tls.setSecureContext(tlsOptions(identity)),
  };
}

function tlsOptions(identity: TlsIdentity) {
  return { cert: identity.chain, key: identity.key, minVersion: "TLSv1.2" as const };
}

/** Looks at the first byte and gives it back: TLS goes on, anything else is told off. */
function sniff(socket: Socket, clock: Clock, onTls: () => void): void {
  const timer = clock.after(HANDSHAKE_MS, () => socket.destroy());
  socket.once("close", () => timer[Symbol.dispose]());
  socket.on("readable", function onReadable() {
    const first = socket.read() as Buffer | null;
    if (!first) return;
    socket.off("readable", onReadable);
    timer[Symbol.dispose]();
    if (first[0] === TLS_HANDSHAKE) {
      socket.unshift(first);
      onTls();
      return;
    }
    answerPlain(socket);
  });
}

const PLAIN_TEXT =
  "This port speaks TLS: use https://. It is the port for sidecars; the REST API has another one (5681).\n";

function answerPlain(socket: Socket): void {
  socket.end(
    `HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: ${PLAIN_TEXT.length}\r\nconnection: close\r\n\r\n${PLAIN_TEXT}`,
  );
  // What it still sends is thrown away, so that the answer is not lost to a reset.
  socket.resume();
  socket.setTimeout(HANDSHAKE_MS, () => socket.destroy());
}

function listen(server: Server, { host, port }: TlsPortOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(listenError(error, host ?? "0.0.0.0", port, "dpServer.port"));
    });
    server.listen({ port, ...(host === undefined ? {} : { host }) }, () => {
      server.removeAllListeners("error");
      resolve();
    });
  });
}
