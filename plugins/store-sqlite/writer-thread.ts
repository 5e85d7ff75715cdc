import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { SHARE_ENV, Worker } from "node:worker_threads";
import { MeshError } from "../../core/kernel/errors.ts";
import { workerEntry } from "../../core/kernel/runtime.ts";
import type { Turns } from "../../core/kernel/turns.ts";
import type { Change } from "../../core/store/resource-store.ts";
import type { EarlyWriter } from "./early-writer.ts";
import {
  type FromWriter,
  type ToWriter,
  unpackError,
  type WriteReply,
  type WriteRequest,
  type WriterData,
} from "./write-messages.ts";

type Done = Exclude<WriteReply, { op: "refused" }>;

/** Turns a reply into changes. A promise if there are many: the event loop then turns in between. */
type ChangesOf = (reply: Done) => readonly Change[] | Promise<readonly Change[]>;

interface Waiting {
  readonly request: WriteRequest;
  readonly changesOf: ChangesOf;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export interface WriterThreadEvents {
  /** What a batch has changed, before its writes are answered. */
  onChanges(changes: readonly Change[]): void;
  /** The thread died; what it had committed last is in the file, though no reply told of it. */
  onLost(): void;
}

/**
 * The main thread's side of the writer. While a batch is being committed, writes gather and form the next: alone, a
 * write goes at once; under load one sync serves many. Until the thread has booted (100 to 200 ms, once) batches are
 * committed by `early` on the main thread: a control plane that starts waits for its first writes, and serves nobody yet.
 */
export class WriterThread {
  readonly #data: WriterData;
  readonly #events: WriterThreadEvents;
  readonly #turns: Turns;
  #worker: Worker | undefined;
  /** Until the first thread has booted. */
  #early: EarlyWriter | undefined;
  #exited: Promise<void> = Promise.resolve();
  #queue: Waiting[] = [];
  /** What the thread works on. */
  #inFlight: Waiting[] = [];
  /** From sending a batch until its writes are answered; the next one is sent after that. */
  #busy = false;
  #scheduled = false;
  #idle: (() => void) | undefined;

  constructor(data: WriterData, events: WriterThreadEvents, early: EarlyWriter, turns: Turns) {
    this.#data = data;
    this.#turns = turns;
    this.#events = events;
    this.#early = early;
    // Started now, not awaited: it boots beside the rest of the program.
    this.#start();
  }

  /** Resolves when the write is durable. `changesOf` turns its reply into changes, in the order of commits. */
  write(request: WriteRequest, changesOf: ChangesOf): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ request, changesOf, resolve, reject });
      this.#schedule();
    });
  }

  /** Resolves when nothing is under way. */
  async drain(): Promise<void> {
    if (!this.#busy && this.#queue.length === 0) return;
    await new Promise<void>((resolve) => {
      this.#idle = resolve;
    });
  }

  /** Commits what was begun, then ends the thread, which checkpoints the database. */
  async close(): Promise<void> {
    await this.drain();
    // Before the thread's: of two connections that close at once neither may find itself the last, which checkpoints.
    this.#endEarly();
    this.#worker?.postMessage({ close: true } satisfies ToWriter);
    await this.#exited;
  }

  /** In a microtask, so that writes made in one go travel together. */
  #schedule(): void {
    if (this.#scheduled || this.#busy) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#busy = true;
      this.#inFlight = this.#queue;
      this.#queue = [];
      try {
        if (!this.#worker) this.#start();
        const batch = this.#inFlight.map((waiting) => waiting.request);
        if (this.#early) void this.#receive(this.#early.apply(batch));
        else this.#worker?.postMessage({ batch } satisfies ToWriter);
      } catch (error) {
        this.#lose(error);
      }
    });
  }

  #start(): void {
    const { code, eval: isText } = workerEntry(
      "sqlite-writer",
      pathToFileURL(join(import.meta.dirname, "writer-worker.ts")),
    );
    const worker = new Worker(code, {
      eval: isText,
      name: "sqlite-writer",
      workerData: this.#data,
      env: SHARE_ENV,
      resourceLimits: { maxYoungGenerationSizeMb: 4 },
    });
    this.#worker = worker;
    let cause: unknown;
    worker.on("message", (message: FromWriter) => {
      if ("booted" in message) this.#endEarly();
      else void this.#receive(message.replies);
    });
    worker.on("error", (error) => {
      cause = error;
    });
    this.#exited = new Promise((resolve) => {
      worker.on("exit", () => {
        if (this.#worker === worker) this.#worker = undefined;
        this.#endEarly();
        this.#lose(cause);
        resolve();
      });
    });
  }

  #endEarly(): void {
    this.#early?.close();
    this.#early = undefined;
  }

  async #receive(replies: readonly WriteReply[]): Promise<void> {
    const answered = this.#inFlight;
    this.#inFlight = [];
    const changes: Change[] = [];
    for (const [at, { changesOf, reject }] of answered.entries()) {
      const reply = replies[at];
      if (!reply || reply.op === "refused") continue;
      try {
        const made = changesOf(reply);
        for (const change of made instanceof Promise ? await made : made) changes.push(change);
      } catch (error) {
        reject(error);
      }
    }
    this.#events.onChanges(changes);
    // Refusals first: who lost a compare-and-set shall try again before those who won do their next.
    answered.forEach(({ reject }, at) => {
      const reply = replies[at];
      if (reply?.op === "refused") reject(unpackError(reply.error));
    });
    for (const { resolve } of answered) {
      await this.#turns.turn();
      // Does nothing to the ones rejected above.
      resolve();
    }
    this.#goOn();
  }

  /** The writes under way may or may not have been committed; their callers are told so, later ones get a new thread. */
  #lose(cause: unknown): void {
    const lost = this.#inFlight;
    this.#inFlight = [];
    if (lost.length === 0) return;
    this.#events.onLost();
    const error = new MeshError("MM503", "the store's writing thread ended; the write may or may not have been done", {
      where: this.#data.path,
      cause,
    });
    for (const { reject } of lost) reject(error);
    this.#goOn();
  }

  #goOn(): void {
    this.#busy = false;
    if (this.#queue.length > 0) this.#schedule();
    else this.#idle?.();
  }
}
