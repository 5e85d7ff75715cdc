import type { Clock } from "../../kernel/clock.ts";
import type { Resource, ResourceDraft, ResourceKey } from "../../model/resource.ts";
import { ChangeLog } from "../change-log.ts";
import type {
  Change,
  Fence,
  JointPut,
  ListPage,
  ListQuery,
  PutOptions,
  ResourceStore,
  WriteOptions,
} from "../resource-store.ts";
import { storeClosed } from "../store-errors.ts";
import { storable, storablePuts } from "../stored-value.ts";
import { checkedRecords } from "./checked-records.ts";
import { CommitBuilder } from "./commit-builder.ts";
import type { StoreCommit, StorePersistence, StoreSnapshot } from "./persistence.ts";
import { ResourceTable } from "./resource-table.ts";

export interface PersistedStoreOptions {
  readonly persistence: StorePersistence;
  /** Gives creation and modification times. */
  readonly clock: Clock;
  /** Changes that a watch can go back. Default 5000. */
  readonly retainedChanges?: number | undefined;
}

/**
 * A whole `ResourceStore` over a persistence that only loads and commits. Everything is kept in memory and read from
 * there. Writes that come while a commit is under way share the next one. For one process: nobody else may write to
 * what the persistence keeps. Rejects with whatever `load` rejects with.
 */
export async function openPersistedStore(options: PersistedStoreOptions): Promise<ResourceStore> {
  const snapshot = await options.persistence.load();
  return new PersistedStore(options, snapshot);
}

/** A write that waits. `apply` makes it in the table and adds it to the commit, or throws the refusal. */
interface Waiting {
  apply(table: ResourceTable, commit: CommitBuilder): void;
  resolve(): void;
  reject(error: unknown): void;
}

class PersistedStore implements ResourceStore {
  readonly #persistence: StorePersistence;
  readonly #clock: Clock;
  readonly #log: ChangeLog;
  /** What was committed, for readers. */
  readonly #committed = new ResourceTable();
  /** The same, or ahead of it by the commit under way, for writers. */
  #next = new ResourceTable();
  #queue: Waiting[] = [];
  #working: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(
    { persistence, clock, retainedChanges }: PersistedStoreOptions,
    { revision, records, epochs }: StoreSnapshot,
  ) {
    this.#persistence = persistence;
    this.#clock = clock;
    this.#log = new ChangeLog({ capacity: retainedChanges ?? 5000, start: revision });
    this.#committed.restore(checkedRecords(records, revision));
    for (const epoch of epochs) this.#committed.restoreEpoch(epoch);
    this.#committed.revision = revision;
    this.#startOver();
  }

  async get(key: ResourceKey): Promise<Resource | undefined> {
    return this.#open().get(key);
  }

  async list(type: string, query: ListQuery = {}): Promise<ListPage> {
    return this.#open().list(type, query);
  }

  async put(draft: ResourceDraft, options: PutOptions = {}): Promise<Resource> {
    this.#open();
    const kept = storable(draft);
    return this.#write((table, commit) => {
      const change = table.put(kept, options, this.#clock.now());
      commit.add([change]);
      return change.resource;
    });
  }

  async putAll(puts: readonly JointPut[], advance?: Fence): Promise<readonly Resource[]> {
    this.#open();
    const kept = storablePuts(puts);
    return this.#write((table, commit) => {
      const { changes, advanced } = table.putAll(kept, advance, this.#clock.now());
      commit.add(changes);
      if (advanced) commit.addEpoch(advanced);
      return changes.map(({ resource }) => resource);
    });
  }

  async delete(key: ResourceKey, options: WriteOptions = {}): Promise<Resource> {
    this.#open();
    return this.#write((table, commit) => {
      const { resource, changes } = table.delete(key, options);
      commit.add(changes);
      return resource;
    });
  }

  async revision(): Promise<number> {
    return this.#open().revision;
  }

  watch(revision: number, signal: AbortSignal): AsyncIterable<readonly Change[]> {
    return this.#log.watch(revision, signal);
  }

  async epoch(key: ResourceKey): Promise<number> {
    return this.#open().epoch(key);
  }

  async advanceEpoch(key: ResourceKey, expected: number): Promise<number> {
    this.#open();
    return this.#write((table, commit) => {
      const advanced = table.advanceEpoch(key, expected);
      commit.addEpoch(advanced);
      return advanced.epoch;
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#log.close();
    await this.#working;
    await this.#persistence.close?.();
  }

  /** Resolves with what `work` returned once the commit it became part of is durable. */
  async #write<T>(work: (table: ResourceTable, commit: CommitBuilder) => T): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    let result: T;
    this.#queue.push({
      apply: (table, commit) => {
        result = work(table, commit);
      },
      resolve: () => resolve(result),
      reject,
    });
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
    });
    return promise;
  }

  async #work(): Promise<void> {
    // In a microtask, so that writes made in one go share a commit.
    await undefined;
    while (this.#queue.length > 0) {
      const batch = this.#queue;
      this.#queue = [];
      await this.#commit(batch);
    }
  }

  async #commit(batch: readonly Waiting[]): Promise<void> {
    const builder = new CommitBuilder(this.#next);
    const accepted: Waiting[] = [];
    const refused: [Waiting, unknown][] = [];
    for (const waiting of batch) {
      try {
        waiting.apply(this.#next, builder);
        accepted.push(waiting);
      } catch (error) {
        refused.push([waiting, error]);
      }
    }
    try {
      if (!builder.empty) {
        const commit = builder.build();
        await this.#persistence.commit(commit);
        this.#take(commit, builder.changes);
      }
    } catch (error) {
      this.#startOver();
      for (const { reject } of accepted) reject(error);
      accepted.length = 0;
    }
    // Refusals first: who lost a compare-and-set shall try again before those who won do their next.
    for (const [{ reject }, error] of refused) reject(error);
    for (const { resolve } of accepted) resolve();
  }

  /** Shows readers and watchers what was committed. */
  #take(commit: StoreCommit, changes: readonly Change[]): void {
    for (const key of commit.deletes) this.#committed.forget(key);
    this.#committed.restore(commit.puts);
    for (const epoch of commit.epochs) this.#committed.restoreEpoch(epoch);
    this.#committed.revision = commit.revision;
    this.#log.append(changes);
  }

  /** Forgets what was only planned. */
  #startOver(): void {
    this.#next = new ResourceTable();
    this.#next.restore(this.#committed.records());
    for (const epoch of this.#committed.epochs()) this.#next.restoreEpoch(epoch);
    this.#next.revision = this.#committed.revision;
  }

  #open(): ResourceTable {
    if (this.#closing) throw storeClosed();
    return this.#committed;
  }
}
