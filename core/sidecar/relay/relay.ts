import {
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { Duplex } from "node:stream";
import type { Clock } from "../../kernel/clock.ts";
import type { Scope } from "../../kernel/scope.ts";
import { type CallOutcome, outcomeOf } from "./refusal.ts";
import type { Upstream } from "./upstream.ts";

export interface RelayOptions {
  /** Path of the Unix socket; only its owner may connect. */
  readonly socket: string;
  readonly upstream: Upstream;
  readonly scope: Scope;
  readonly clock: Clock;
  /** Calls that are answered here, by path, instead of being relayed. */
  readonly local: Readonly<Record<string, (stream: ServerHttp2Stream) => void>>;
  /** What a call carries beside Envoy's headers; asked at the moment in which it is opened. */
  extraHeaders?(path: string): OutgoingHttpHeaders;
  /** A call got its first bytes: the other side takes it. */
  onAnswered(path: string): void;
  /** A call was ended by the other side. */
  onOutcome(outcome: CallOutcome): void;
}

/** What gRPC needs of Envoy's headers; the rest (such as `:authority: ads_cluster`) concerns only the socket. */
const PASSED_ON = ["content-type", "te", "user-agent", "grpc-timeout", "grpc-encoding", "grpc-accept-encoding"];
/** HTTP/2's own headers and what must not travel between two connections. */
const NOT_PASSED_BACK = new Set([":status", "connection", "keep-alive", "transfer-encoding", "date"]);

const UNAVAILABLE = { "grpc-status": "14", "grpc-message": "the connection to the control plane was replaced" };

/** A call that was ended is not opened again at once: by the number of such ends in a row, in milliseconds. */
const REOPEN_MIN = 250;
const REOPEN_MAX = 10_000;

/**
 * Listens for Envoy's ADS and HDS streams on a Unix socket and relays them as raw bytes. Envoy's stream stays open while
 * the upstream is away, and is closed when it stands again: Envoy then subscribes anew, with the versions it has. Resolves
 * when the socket listens.
 */
export async function openRelay(options: RelayOptions): Promise<void> {
  const server = createServer();
  const sessions = new Set<ServerHttp2Session>();
  const endings = new Map<string, number>();
  server.on("session", (session) => {
    sessions.add(session);
    session.on("error", () => undefined);
    session.once("close", () => sessions.delete(session));
  });
  server.on("sessionError", () => undefined);
  server.on("stream", (stream, headers) => {
    const path = String(headers[":path"] ?? "");
    const local = Object.hasOwn(options.local, path) ? options.local[path] : undefined;
    if (local) local(stream);
    else relayStream(stream, headers, options, endings);
  });
  options.scope.defer(async () => {
    for (const session of sessions) session.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
  await listenPrivately(server, options.socket);
}

/** The socket is made with mode 0600: with a chmod afterwards it would stand open for a moment. Binding is synchronous. */
async function listenPrivately(server: Http2Server, path: string): Promise<void> {
  const listening = new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.once("listening", resolve);
  });
  const before = process.umask(0o177);
  try {
    server.listen(path);
  } finally {
    process.umask(before);
  }
  await listening;
}

function relayStream(
  down: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  options: RelayOptions,
  endings: Map<string, number>,
): void {
  const { upstream, clock } = options;
  const path = String(headers[":path"] ?? "");
  const passedOn = pick(headers, PASSED_ON);
  const trailers: OutgoingHttpHeaders = { ...UNAVAILABLE };
  let up: Duplex | undefined;
  let waiting: Disposable | undefined;
  let pause: Disposable | undefined;

  const end = (withTrailers: OutgoingHttpHeaders) => {
    if (down.destroyed || down.writableEnded) return;
    Object.assign(trailers, withTrailers);
    if (!down.headersSent)
      down.respond({ ":status": 200, "content-type": "application/grpc", ...trailers }, { endStream: true });
    else down.end(); // Envoy resets its half when it has the trailers
  };
  const whenAvailable = (run: () => void) => {
    if (upstream.available) return run();
    waiting = upstream.onAvailable(() => {
      waiting?.[Symbol.dispose]();
      run();
    });
  };
  const finished = (answer: IncomingHttpHeaders) => {
    const outcome = outcomeOf(path, answer);
    endings.set(path, outcome.status === 0 ? 0 : (endings.get(path) ?? 0) + 1);
    options.onOutcome(outcome);
  };
  const open = async () => {
    if (down.destroyed) return;
    try {
      const call = { path, headers: { ...passedOn, ...options.extraHeaders?.(path) } };
      up = await upstream.open(call, {
        onHeaders(answer, final) {
          if (down.destroyed || down.headersSent) return;
          down.on("wantTrailers", () => down.sendTrailers(trailers));
          down.respond(
            { ...passBack(answer), ":status": answer[":status"] ?? 200 },
            { endStream: final, waitForTrailers: !final },
          );
          if (final) finished(answer);
          else {
            up?.once("data", () => {
              endings.delete(path);
              options.onAnswered(path);
            });
          }
        },
        onEnd(answer) {
          finished(answer);
          end(passBack(answer));
        },
        onLost: () => whenAvailable(() => end(UNAVAILABLE)),
      });
    } catch {
      pause = clock.after(REOPEN_MIN, () => whenAvailable(open));
      return;
    }
    if (down.destroyed) {
      up.destroy();
      return;
    }
    down.pipe(up);
    up.pipe(down, { end: false });
  };

  down.on("error", () => undefined); // "close" follows
  down.on("close", () => {
    waiting?.[Symbol.dispose]();
    pause?.[Symbol.dispose]();
    up?.destroy();
  });
  const ends = endings.get(path) ?? 0;
  const delay = ends === 0 ? 0 : Math.min(REOPEN_MIN * 2 ** (ends - 1), REOPEN_MAX);
  if (delay === 0) whenAvailable(open);
  else pause = clock.after(delay, () => whenAvailable(open));
}

function pick(headers: IncomingHttpHeaders, names: readonly string[]): OutgoingHttpHeaders {
  return Object.fromEntries(names.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]])));
}

function passBack(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !NOT_PASSED_BACK.has(name)));
}
