import { Guard, type GuardOptions } from "../kernel/guard.ts";
import type { Resource, ResourceDraft, ResourceKey } from "../model/resource.ts";
import type {
  Change,
  Fence,
  JointPut,
  ListPage,
  ListQuery,
  PutOptions,
  ResourceStore,
  WriteOptions,
} from "./resource-store.ts";
import { wrongChange, wrongPage, wrongPut, wrongPuts, wrongResource } from "./result-checks.ts";
import { revisionGone, storeClosed } from "./store-errors.ts";
import { storable, storablePuts } from "./stored-value.ts";

/** Before a watcher is sent back to list again because of a broken watch, so that it does not do so all the time; milliseconds. */
const PAUSE_MS = 1000;

/**
 * A user's store behind checks: every call ends within its time limit, every error names the plugin, what comes back is what
 * was asked for, and what goes in cannot be changed by it. A watch that skips or repeats a change is ended, and its watcher
 * lists again. What the store does inside is its own affair; `monomesh plugin test` looks at that.
 */
export function createGuardedStore(store: ResourceStore, options: GuardOptions): ResourceStore {
  return new GuardedStore(store, options);
}

class GuardedStore implements ResourceStore {
  readonly #store: ResourceStore;
  readonly #options: GuardOptions;
  readonly #guard: Guard;
  /** Newest revision that a write returned: nothing that starts later may be older. */
  #newest = 0;
  #closing: Promise<void> | undefined;

  constructor(store: ResourceStore, options: GuardOptions) {
    this.#store = store;
    this.#options = options;
    this.#guard = new Guard(options);
  }

  async get(key: ResourceKey): Promise<Resource | undefined> {
    const asked = keyOnly(key);
    return this.#call(
      "get",
      () => this.#store.get(asked),
      (found) => (found === undefined ? undefined : wrongResource(found, asked)),
    );
  }

  async list(type: string, query: ListQuery = {}): Promise<ListPage> {
    const floor = this.#newest;
    return this.#call(
      "list",
      () => this.#store.list(type, query),
      (page) => wrongPage(page, type, query) ?? older(page.revision, floor),
    );
  }

  async put(draft: ResourceDraft, options: PutOptions = {}): Promise<Resource> {
    // Frozen: a store that writes into its input must not change what others hold.
    const kept = storable(draft);
    const asked = keyOnly(draft);
    const floor = this.#newest;
    const stored = await this.#call(
      "put",
      () => this.#store.put(kept, options),
      (resource) => wrongPut(resource, asked, options.expectedVersion) ?? older(resource.revision, floor + 1),
    );
    this.#newest = Math.max(this.#newest, stored.revision);
    return stored;
  }

  async putAll(puts: readonly JointPut[], advance?: Fence): Promise<readonly Resource[]> {
    const kept = storablePuts(puts);
    const floor = this.#newest;
    const stored = await this.#call(
      "putAll",
      () => this.#store.putAll(kept, advance),
      (resources) => wrongPuts(resources, kept) ?? (resources[0] && older(resources[0].revision, floor + 1)),
    );
    this.#newest = Math.max(this.#newest, stored.at(-1)?.revision ?? 0);
    return stored;
  }

  async delete(key: ResourceKey, options: WriteOptions = {}): Promise<Resource> {
    const asked = keyOnly(key);
    return this.#call(
      "delete",
      () => this.#store.delete(asked, options),
      (removed) => wrongResource(removed, asked),
    );
  }

  async revision(): Promise<number> {
    const floor = this.#newest;
    return this.#call(
      "revision",
      () => this.#store.revision(),
      (revision) => wrongCount(revision) ?? older(revision, floor),
    );
  }

  async epoch(key: ResourceKey): Promise<number> {
    return this.#call("epoch", () => this.#store.epoch(keyOnly(key)), wrongCount);
  }

  async advanceEpoch(key: ResourceKey, expected: number): Promise<number> {
    return this.#call(
      "advanceEpoch",
      () => this.#store.advanceEpoch(keyOnly(key), expected),
      (epoch) => (epoch === expected + 1 ? undefined : `returned ${String(epoch)}, not ${expected + 1}`),
    );
  }

  async *watch(revision: number, signal: AbortSignal): AsyncGenerator<readonly Change[], void, void> {
    if (this.#closing) throw storeClosed();
    const iterator = this.#iterator(revision, signal);
    const aborted = Promise.withResolvers<undefined>();
    const onAbort = () => aborted.resolve(undefined);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    let at = revision;
    try {
      for (;;) {
        const step = await Promise.race([this.#next(iterator), aborted.promise]);
        if (step === undefined || signal.aborted) return;
        if (step.done) {
          if (this.#closing) return;
          throw this.#guard.broken("watch", "ended by itself");
        }
        const finding = wrongChange(step.value, at);
        if (finding) {
          this.#guard.broken("watch", finding);
          await this.#options.clock.sleep(PAUSE_MS, signal).catch(() => undefined);
          throw revisionGone(at, undefined, at);
        }
        at = step.value.at(-1)?.revision ?? at;
        yield step.value;
      }
    } finally {
      signal.removeEventListener("abort", onAbort);
      // Not awaited: an iterator that waits does not answer until it has something.
      void (async () => iterator.return?.())().catch(() => undefined);
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#guard.call(
      "close",
      () => this.#store.close(),
      () => undefined,
    );
    return this.#closing;
  }

  #call<T>(method: string, work: () => Promise<T>, wrong: (result: T) => string | undefined): Promise<T> {
    if (this.#closing) return Promise.reject(storeClosed());
    return this.#guard.call(method, work, wrong);
  }

  #iterator(revision: number, signal: AbortSignal): AsyncIterator<readonly Change[]> {
    let iterator: AsyncIterator<readonly Change[]> | undefined;
    try {
      iterator = this.#store.watch(revision, signal)?.[Symbol.asyncIterator]?.();
    } catch (error) {
      throw this.#guard.asMeshError("watch", error);
    }
    if (typeof iterator?.next !== "function") throw this.#guard.broken("watch", "returned nothing to iterate over");
    return iterator;
  }

  async #next(iterator: AsyncIterator<readonly Change[]>): Promise<IteratorResult<readonly Change[]>> {
    try {
      return await iterator.next();
    } catch (error) {
      throw this.#guard.asMeshError("watch", error);
    }
  }
}

function wrongCount(value: unknown): string | undefined {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? undefined : `returned ${String(value)}, not a count`;
}

function older(revision: number, floor: number): string | undefined {
  return revision >= floor ? undefined : `answered from revision ${revision}, though ${floor} was reached`;
}

function keyOnly({ type, mesh, name }: ResourceKey): ResourceKey {
  return Object.freeze({ type, mesh, name });
}
