import type { FastifyReply } from "fastify";
import type { Clock } from "../kernel/clock.ts";
import { MeshError } from "../kernel/errors.ts";

/** Readers at the same time; each costs a socket and a little memory, and reading is open to everybody. */
const MOST_READERS = 200;
/** A line that says nothing keeps proxies and firewalls from cutting an idle stream; milliseconds. */
const SIGN_OF_LIFE_MS = 15_000;
/** A reader that does not take the end of its answer is cut off after this time; milliseconds. */
const LINGER_MS = 2000;
/** A reader with more than this unread is behind; bytes. */
const MOST_UNREAD = 1 << 20;

/** One answer that does not end: server-sent events (HTML standard, section 9.2), which browsers and curl read. */
export interface EventStream {
  /** Aborts when the reader goes away or the server closes. */
  readonly signal: AbortSignal;
  /** `name` is `event:`, `data` becomes JSON on one line. False: the reader is behind; wait for `drained` before the next. */
  send(name: string, data: unknown, id?: string): boolean;
  /** Resolves when the reader has caught up, or the stream ended. */
  drained(): Promise<void>;
  /** Ends the answer; the reader may ask again. */
  end(): void;
}

/** The open event streams of a server. */
export class EventStreams {
  readonly #clock: Clock;
  readonly #open = new Set<EventStream>();
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Answers a request with a stream. MM429 when there are too many. */
  open(reply: FastifyReply): EventStream {
    if (this.#closed) throw new MeshError("MM503", "the control plane is stopping");
    if (this.#open.size >= MOST_READERS) {
      throw new MeshError("MM429", `${MOST_READERS} streams are open already`, {
        todo: "Close some, or ask without watch.",
      });
    }
    reply.hijack();
    const { raw } = reply;
    const controller = new AbortController();
    raw.writeHead(200, {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      connection: "close",
      "x-content-type-options": "nosniff",
    });
    raw.write(": watching\n\n");
    const beat = () => {
      raw.write(":\n\n");
      timer = this.#clock.after(SIGN_OF_LIFE_MS, beat);
    };
    let timer = this.#clock.after(SIGN_OF_LIFE_MS, beat);
    const stream: EventStream = {
      signal: controller.signal,
      send(name, data, id) {
        if (raw.destroyed || raw.writableEnded) return true;
        raw.write(`${id === undefined ? "" : `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
        return raw.writableLength < MOST_UNREAD;
      },
      async drained() {
        if (controller.signal.aborted || raw.writableLength === 0) return;
        await new Promise<void>((resolve) => {
          raw.once("drain", resolve);
          controller.signal.addEventListener("abort", () => resolve(), { once: true });
        });
      },
      end: () => {
        if (raw.writableEnded) return;
        timer[Symbol.dispose]();
        timer = this.#clock.after(LINGER_MS, () => raw.destroy());
        raw.end();
      },
    };
    const onClose = () => {
      timer[Symbol.dispose]();
      this.#open.delete(stream);
      controller.abort();
    };
    this.#open.add(stream);
    if (raw.destroyed) onClose();
    else raw.once("close", onClose);
    return stream;
  }

  /** Ends all of them; no new one is opened. */
  close(): void {
    this.#closed = true;
    for (const stream of this.#open) stream.end();
  }
}
