import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
} from "node:http2";
import type { Duplex } from "node:stream";
import type { ConnectionOptions, SecureContextOptions } from "node:tls";
import type { Clock } from "../../kernel/clock.ts";
import type { Scope } from "../../kernel/scope.ts";
import type { CallEvents, RelayCall, Upstream } from "./upstream.ts";

/** Times of the session in milliseconds (design.md, Session). */
export interface SessionTimes {
  /** Pause between two signs of life. */
  readonly ping: number;
  /** Without an answer to a ping for this time the connection counts as lost. */
  readonly pingTimeout: number;
  /** A connection that is not up after this time is given up. */
  readonly connectTimeout: number;
  readonly minBackoff: number;
  readonly maxBackoff: number;
}

export const SESSION_TIMES: SessionTimes = {
  ping: 10_000,
  pingTimeout: 5_000,
  connectTimeout: 5_000,
  minBackoff: 100,
  maxBackoff: 1_000,
};

/** Bytes in flight; HTTP/2's 64 KiB would make a large configuration take many round trips. */
const STREAM_WINDOW = 256 * 1024;
const CONNECTION_WINDOW = 1024 * 1024;

export type TlsOptions = SecureContextOptions & ConnectionOptions;

/** A control plane to connect to. */
export interface SessionTarget {
  /** `https://10.0.0.11:5678` */
  readonly authority: string;
  readonly tls: TlsOptions;
}

export interface SessionOptions {
  /** Asked before each attempt: how the control plane is recognised, or which one it is, may have changed. */
  target(): Promise<SessionTarget>;
  readonly clock: Clock;
  readonly scope: Scope;
  /** The credential for the next call; asked each time, so that a token file may change. */
  credential(): Promise<string | undefined>;
  /** The connection stands. `again`: it is not the first one. */
  onUp(again: boolean): void;
  /** The connection was lost, or an attempt failed. Called for each failure; the error's message is one short phrase. */
  onDown(error: Error, wasUp: boolean): void;
  readonly times?: SessionTimes;
  /** 0 to 1; for jitter. */
  random?(): number;
}

interface OpenCall {
  readonly stream: ClientHttp2Stream;
  readonly events: CallEvents;
}

/** One HTTP/2 connection with the calls that run on it. */
interface Connection {
  readonly session: ClientHttp2Session;
  readonly calls: Set<OpenCall>;
  /** Settles when the connection is of no more use: lost, or the other side has said that it will go. */
  readonly spent: Promise<Error>;
}

/** A session that was told to close or destroyed takes no calls any more, even before its events say so. */
function usable(connection: Connection | undefined): connection is Connection {
  return connection !== undefined && !connection.session.closed && !connection.session.destroyed;
}

/**
 * The sidecar's connection to the control plane: kept alive by pings, mended with backoff, replaced before it is left when
 * the other side announces its end (GOAWAY). Runs from its making until the scope closes.
 */
export class ControlPlaneSession implements Upstream {
  readonly #options: SessionOptions;
  readonly #times: SessionTimes;
  readonly #listeners = new Set<() => void>();
  #connection: Connection | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#times = options.times ?? SESSION_TIMES;
    const running = this.#run(options.scope.signal);
    options.scope.defer(() => running);
  }

  get available(): boolean {
    return usable(this.#connection);
  }

  onAvailable(listener: () => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
  }

  async open(call: RelayCall, events: CallEvents): Promise<Duplex> {
    const credential = await this.#options.credential();
    const connection = this.#connection;
    if (!usable(connection)) throw new Error("the control plane is away");
    const stream = connection.session.request({
      ...call.headers,
      ":method": "POST",
      ":path": call.path,
      ...(credential === undefined ? {} : { authorization: credential }),
    });
    const open: OpenCall = { stream, events };
    connection.calls.add(open);
    let trailers: IncomingHttpHeaders | undefined;
    stream.on("response", (headers, flags) => {
      const final = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
      if (final) connection.calls.delete(open);
      events.onHeaders(headers, final);
    });
    stream.on("trailers", (headers) => {
      trailers = headers;
    });
    stream.on("end", () => {
      if (trailers && connection.calls.delete(open)) events.onEnd(trailers);
    });
    stream.on("error", () => undefined); // "close" follows and says the same
    stream.on("close", () => {
      if (connection.calls.delete(open)) events.onLost();
    });
    return stream;
  }

  async #run(signal: AbortSignal): Promise<void> {
    let backoff = this.#times.minBackoff;
    let again = false;
    while (!signal.aborted) {
      try {
        const next = await this.#connect(signal);
        backoff = this.#times.minBackoff;
        this.#replace(next);
        this.#options.onUp(again);
        again = true;
        const reason = await next.spent;
        if (signal.aborted) return;
        this.#options.onDown(reason, true);
      } catch (error) {
        if (signal.aborted) return;
        this.#options.onDown(error instanceof Error ? error : new Error(String(error)), false);
      }
      const jitter = 0.5 + (this.#options.random ?? Math.random)() / 2;
      await this.#options.clock.sleep(backoff * jitter, signal).catch(() => undefined);
      backoff = Math.min(backoff * 2, this.#times.maxBackoff);
    }
  }

  /** Calls on the old connection end when the new one stands, so that Envoy subscribes again with what it has. */
  #replace(next: Connection): void {
    const old = this.#connection;
    this.#connection = next;
    if (old) {
      for (const call of old.calls) call.stream.close(constants.NGHTTP2_CANCEL);
      old.session.close();
    }
    for (const listener of [...this.#listeners]) listener();
  }

  async #connect(signal: AbortSignal): Promise<Connection> {
    const { clock } = this.#options;
    const { authority, tls } = await this.#options.target();
    signal.throwIfAborted();
    const session = connect(authority, { ...tls, settings: { enablePush: false, initialWindowSize: STREAM_WINDOW } });
    const up = Promise.withResolvers<void>();
    const spent = Promise.withResolvers<Error>();
    const abort = () => session.destroy();
    signal.addEventListener("abort", abort, { once: true });
    const limit = clock.after(this.#times.connectTimeout, () => session.destroy(new Error("no answer")));
    const connection: Connection = { session, calls: new Set(), spent: spent.promise };
    let reason = new Error("the connection was closed");
    session.once("connect", () => {
      session.setLocalWindowSize(CONNECTION_WINDOW);
      up.resolve();
    });
    session.on("error", (error: Error) => {
      reason = error;
    });
    session.on("goaway", () => spent.resolve(new Error("it is going away")));
    session.once("close", () => {
      signal.removeEventListener("abort", abort);
      if (this.#connection === connection) this.#connection = undefined;
      up.reject(reason);
      spent.resolve(reason);
    });
    try {
      await up.promise;
    } finally {
      limit[Symbol.dispose]();
    }
    this.#keepAlive(session);
    return connection;
  }

  #keepAlive(session: ClientHttp2Session): void {
    const { clock } = this.#options;
    const { ping, pingTimeout } = this.#times;
    let timer = clock.after(ping, beat);
    function beat() {
      if (session.destroyed) return;
      timer = clock.after(pingTimeout, () => session.destroy(new Error("no sign of life")));
      session.ping((error) => {
        timer[Symbol.dispose]();
        if (!error && !session.destroyed) timer = clock.after(ping, beat);
      });
    }
    session.once("close", () => timer[Symbol.dispose]());
  }
}
