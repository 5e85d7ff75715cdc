import { createServer, type IncomingMessage, type ServerResponse, setMaxIdleHTTPParsers } from "node:http";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Clock } from "../kernel/clock.ts";
import { MeshError, toMeshError } from "../kernel/errors.ts";
import type { Logger } from "../kernel/log.ts";
import type { Newcomers } from "../kernel/newcomers.ts";
import type { Turns } from "../kernel/turns.ts";
import { peerText } from "../xds/peer-text.ts";
import { errorAnswer, type HttpAnswer, textAnswer } from "./http-answer.ts";

/** Time for the headers, and again for the body; milliseconds (Kuma: `dpServer.readHeaderTimeout`). */
const RECEIVE_MS = 5000;
const MAX_BODY_BYTES = 1024 * 1024;
/** How long requests that are being answered may take when the server closes. */
const CLOSE_GRACE_MS = 2500;

/** Node keeps up to 1,000 parsers of 10 KB each that once were in use together; these are enough for a steady mesh. */
const IDLE_PARSERS = 16;

/** A request with its body, ready to be answered. */
export interface HttpCall {
  readonly body: string;
  readonly headers: IncomingMessage["headers"];
  readonly peer: string;
}

export interface HttpRoutesOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly turns: Turns;
  readonly newcomers: Newcomers;
  /** By path. The method does not matter (contract, section 13). A MeshError that is thrown becomes the answer. */
  readonly routes: Readonly<Record<string, (call: HttpCall) => Promise<HttpAnswer>>>;
}

export interface HttpRoutes {
  /** Takes a connection over. */
  accept(socket: TLSSocket): void;
  /** Resolves when the requests that are being answered are, after 2.5 s at the latest. */
  settle(): Promise<void>;
}

/** The HTTP/1.1 side of the port, one request a connection. */
export function createHttpRoutes(options: HttpRoutesOptions): HttpRoutes {
  const { clock, newcomers } = options;
  setMaxIdleHTTPParsers(IDLE_PARSERS);
  const active = new Set<Promise<void>>();
  const waiting = new WeakMap<Socket, Disposable>();
  const server = createServer({ keepAlive: false }, (request, response) => {
    newcomers.noteRead();
    waiting.get(request.socket)?.[Symbol.dispose]();
    const done = answer(options, request, response).finally(() => active.delete(done));
    active.add(done);
  });
  return {
    accept(socket) {
      // Node enforces its own header timeout only on servers that listen themselves.
      const timer = clock.after(RECEIVE_MS, () => socket.destroy());
      waiting.set(socket, timer);
      socket.once("close", () => timer[Symbol.dispose]());
      server.emit("connection", socket);
    },
    async settle() {
      const grace = Promise.withResolvers<void>();
      using _timer = clock.after(CLOSE_GRACE_MS, () => grace.resolve());
      await Promise.race([Promise.all(active), grace.promise]);
    },
  };
}

async function answer(options: HttpRoutesOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const result = await produce(options, request);
  if (response.destroyed) return;
  const length = String(Buffer.byteLength(result.body));
  response.writeHead(result.status, { ...result.headers, "content-length": length, connection: "close" });
  response.end(result.body);
  if (request.complete) return;
  // The rest of a body that was refused is read and thrown away for a while, so that a reset does not eat the answer.
  request.resume();
  const timer = options.clock.after(RECEIVE_MS, () => request.destroy());
  request.once("close", () => timer[Symbol.dispose]());
}

async function produce(
  { routes, clock, log, turns }: HttpRoutesOptions,
  request: IncomingMessage,
): Promise<HttpAnswer> {
  const path = (request.url ?? "/").split("?")[0] ?? "/";
  const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
  const peer = peerText(`${request.socket.remoteAddress}:${request.socket.remotePort}`);
  if (!route)
    return textAnswer(
      404,
      `there is no ${path} here: this is the port for sidecars; the REST API has another one (5681)\n`,
    );
  try {
    const body = await readBody(request, clock);
    await turns.turn();
    return await route({ body, headers: request.headers, peer });
  } catch (thrown) {
    const error = toMeshError(thrown);
    if (error.kind === "system") {
      log.error("dp-server", `${path} from ${peer} could not be answered: ${error.message}`, { code: error.code });
    }
    // What happened inside is for the log, not for whoever asks.
    return errorAnswer(
      error.code === "MM900" ? new MeshError("MM900", "the control plane failed; its log says why") : error,
    );
  }
}

/** The whole body as text; MM413 when it is too large, MM400 when it does not come in time. */
function readBody(request: IncomingMessage, clock: Clock): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const chunks: Buffer[] = [];
  let size = 0;
  const timer = clock.after(RECEIVE_MS, () => {
    reject(new MeshError("MM400", `the body did not come within ${RECEIVE_MS / 1000} s`));
  });
  const refuse = () => reject(new MeshError("MM413", `the body is larger than ${MAX_BODY_BYTES / 1024 / 1024} MB`));
  if (Number(request.headers["content-length"] ?? 0) > MAX_BODY_BYTES) refuse();
  else {
    request.on("data", (chunk: Buffer) => {
      size += chunk.byteLength;
      if (size > MAX_BODY_BYTES) {
        chunks.length = 0;
        refuse();
      } else chunks.push(chunk);
    });
    request.on("end", () => resolve(Buffer.concat(chunks).toString("utf8")));
    request.on("close", () => reject(new MeshError("MM400", "the connection ended before the body")));
  }
  return promise.finally(() => timer[Symbol.dispose]());
}
