import type { ServerHttp2Stream } from "node:http2";
import { createMessageSplitter } from "../../grpc/framing.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Scope } from "../../kernel/scope.ts";
import { type FailureDirection, KEPT_FAILURES, type RequestFailure } from "../../model/request-failure.ts";

/** What Envoy calls to report failures: the access log service. */
export const FAILURE_LOG_PATH = "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs";

export interface FailureLogOptions {
  readonly clock: Clock;
  readonly scope: Scope;
  /** The service behind a listener of this sidecar; undefined when it is not known. */
  serviceAt(
    direction: FailureDirection,
    listener: { readonly address: string; readonly port: number },
  ): string | undefined;
  /** New failures are in the ring; at most once a second. */
  onFailures(): void;
}

interface Batch {
  readonly direction: FailureDirection;
  readonly bytes: Buffer;
}

/** Batches are read at most this often, so that a storm of failures costs little: what it overtook is never decoded. */
const READ_EVERY_MS = 1000;
/** What waits to be read; more than enough for all that is kept. The oldest goes. */
const MAX_WAITING_BYTES = 256 * 1024;

/** The last 200 failed requests of one sidecar, as its Envoy reports them over the relay's socket. */
export class FailureLog {
  readonly #options: FailureLogOptions;
  #waiting: Batch[] = [];
  #waitingBytes = 0;
  #reading: Disposable | undefined;
  #lastRead = Number.NEGATIVE_INFINITY;
  #ring: RequestFailure[] = [];
  #seq = 0;

  constructor(options: FailureLogOptions) {
    this.#options = options;
    options.scope.defer(() => this.#reading?.[Symbol.dispose]());
  }

  /** Those after `seq`, oldest first. */
  since(seq: number): readonly RequestFailure[] {
    return this.#ring.filter((failure) => failure.seq > seq);
  }

  /** Takes a call of Envoy's and reads it to its end. */
  async serve(stream: ServerHttp2Stream): Promise<void> {
    stream.on("error", () => undefined); // "close" follows
    // Loaded with the first failure: most sidecars never have one.
    const { readLogName } = await import("./access-log-reader.ts");
    if (stream.destroyed) return;
    let direction: FailureDirection | undefined;
    const splitter = createMessageSplitter((message) => {
      direction ??= readLogName(message) === "inbound" ? "inbound" : "outbound";
      this.#keep({ direction, bytes: message });
    });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("data", (chunk: Buffer) => {
      try {
        if (splitter.push(chunk)) stream.destroy();
      } catch {
        // No access log: whoever sends it may try something else.
        stream.destroy();
      }
    });
    stream.on("end", () => stream.end());
  }

  #keep(batch: Batch): void {
    this.#waiting.push(batch);
    this.#waitingBytes += batch.bytes.length;
    while (this.#waitingBytes > MAX_WAITING_BYTES && this.#waiting.length > 1) {
      this.#waitingBytes -= this.#waiting.shift()?.bytes.length ?? 0;
    }
    const { clock, scope } = this.#options;
    if (this.#reading || scope.closed) return;
    const due = Math.max(0, this.#lastRead + READ_EVERY_MS - clock.monotonic());
    this.#reading = clock.after(due, () => {
      this.#reading = undefined;
      this.#lastRead = clock.monotonic();
      void this.#read();
    });
  }

  async #read(): Promise<void> {
    const { readFailures } = await import("./access-log-reader.ts");
    const { serviceAt, onFailures } = this.#options;
    const batches = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    const fresh: Omit<RequestFailure, "seq">[] = [];
    for (const { direction, bytes } of batches) {
      try {
        for (const { listener, cluster, ...failure } of readFailures(bytes)) {
          const service = (listener && serviceAt(direction, listener)) ?? cluster;
          fresh.push({ ...failure, direction, ...(service ? { service } : {}) });
        }
      } catch {
        // A batch that cannot be read says nothing about the next.
      }
    }
    if (fresh.length === 0) return;
    // Each worker of Envoy has streams of its own.
    fresh.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
    for (const failure of fresh) this.#ring.push({ seq: ++this.#seq, ...failure });
    this.#ring = this.#ring.slice(-KEPT_FAILURES);
    onFailures();
  }
}
