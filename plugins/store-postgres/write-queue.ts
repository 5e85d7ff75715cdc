import { MeshError } from "../../core/kernel/errors.ts";
import { type Refusal, refusalError, type WriteReply, type WriteRequest } from "./write-batch.ts";

/** Writes that travel together at the most; a larger batch would keep the other control planes waiting. */
const LARGEST_BATCH = 500;

export type Done = Exclude<WriteReply, Refusal>;

interface Waiting {
  readonly request: WriteRequest;
  readonly resolve: (reply: Done) => void;
  readonly reject: (error: unknown) => void;
}

/** What was written by one commit, in its order. */
export interface Written {
  readonly request: WriteRequest;
  readonly reply: Done;
}

export interface WriteQueueOptions {
  /** Commits a batch and answers each of its writes; rejects when the database could not do it. */
  commit(requests: readonly WriteRequest[]): Promise<readonly WriteReply[]>;
  /** Called between the commit and the answers to the callers. */
  onCommitted(written: readonly Written[]): Promise<void>;
}

/**
 * While a batch is being committed, writes gather and form the next: alone, a write goes at once; under load one round
 * trip and one commit serve many.
 */
export class WriteQueue {
  readonly #options: WriteQueueOptions;
  #queue: Waiting[] = [];
  #busy = false;
  #idle: (() => void) | undefined;

  constructor(options: WriteQueueOptions) {
    this.#options = options;
  }

  /** Resolves when the write is committed; rejects with why it was refused. */
  write(request: WriteRequest): Promise<Done> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ request, resolve, reject });
      if (this.#busy) return;
      this.#busy = true;
      // In a microtask, so that writes made in one go travel together.
      queueMicrotask(() => void this.#run());
    });
  }

  /** Resolves when nothing is under way. */
  async drain(): Promise<void> {
    if (!this.#busy) return;
    await new Promise<void>((resolve) => {
      this.#idle = resolve;
    });
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0, LARGEST_BATCH);
      await this.#commit(batch).catch((error) => this.#failed(batch, error));
    }
    this.#busy = false;
    this.#idle?.();
  }

  /** A write that the database cannot even read (a name with a NUL) must not take the others with it. */
  async #failed(batch: readonly Waiting[], error: unknown): Promise<void> {
    const alone = batch.length === 1 || (error instanceof MeshError && error.code === "MM503");
    for (const waiting of batch) {
      if (alone) waiting.reject(error);
      else await this.#commit([waiting]).catch(waiting.reject);
    }
  }

  async #commit(batch: readonly Waiting[]): Promise<void> {
    const replies = await this.#options.commit(batch.map(({ request }) => request));
    const written: Written[] = [];
    batch.forEach(({ request }, at) => {
      const reply = replies[at];
      if (reply && !("no" in reply)) written.push({ request, reply });
    });
    await this.#options.onCommitted(written);
    // Refusals first: who lost a compare-and-set shall try again before those who won do their next.
    batch.forEach(({ request, reject }, at) => {
      const reply = replies[at];
      if (reply && "no" in reply) reject(refusalError(request, reply));
    });
    batch.forEach(({ resolve }, at) => {
      const reply = replies[at];
      if (reply && !("no" in reply)) resolve(reply);
    });
  }
}
