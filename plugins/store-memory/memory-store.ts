import { type Clock, systemClock } from "../../core/kernel/clock.ts";
import type { Resource, ResourceDraft, ResourceKey } from "../../core/model/resource.ts";
import { ChangeLog } from "../../core/store/change-log.ts";
import type {
  Change,
  Fence,
  JointPut,
  ListPage,
  ListQuery,
  PutOptions,
  ResourceStore,
  WriteOptions,
} from "../../core/store/resource-store.ts";
import { storeClosed } from "../../core/store/store-errors.ts";
import { storable, storablePuts } from "../../core/store/stored-value.ts";
import { ResourceTable } from "../../core/store/table/resource-table.ts";

export interface MemoryStoreOptions {
  /** Gives creation and modification times. Default: the system's clock. */
  readonly clock?: Clock | undefined;
  /** Changes that a watch can go back. Default 5000. */
  readonly retainedChanges?: number | undefined;
}

/** A store that keeps nothing when the process ends: for tests and for control planes that are fed from files. */
export function createMemoryStore(options: MemoryStoreOptions = {}): ResourceStore {
  return new MemoryStore(options.clock ?? systemClock, options.retainedChanges ?? 5000);
}

class MemoryStore implements ResourceStore {
  readonly #clock: Clock;
  readonly #log: ChangeLog;
  readonly #table = new ResourceTable();
  #closed = false;

  constructor(clock: Clock, retainedChanges: number) {
    this.#clock = clock;
    this.#log = new ChangeLog({ capacity: retainedChanges, start: 0 });
  }

  async get(key: ResourceKey): Promise<Resource | undefined> {
    return this.#open().get(key);
  }

  async list(type: string, query: ListQuery = {}): Promise<ListPage> {
    return this.#open().list(type, query);
  }

  async put(draft: ResourceDraft, options: PutOptions = {}): Promise<Resource> {
    const change = this.#open().put(storable(draft), options, this.#clock.now());
    this.#log.append([change]);
    return change.resource;
  }

  async putAll(puts: readonly JointPut[], advance?: Fence): Promise<readonly Resource[]> {
    const { changes } = this.#open().putAll(storablePuts(puts), advance, this.#clock.now());
    this.#log.append(changes);
    return changes.map(({ resource }) => resource);
  }

  async delete(key: ResourceKey, options: WriteOptions = {}): Promise<Resource> {
    const { resource, changes } = this.#open().delete(key, options);
    this.#log.append(changes);
    return resource;
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
    return this.#open().advanceEpoch(key, expected).epoch;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#log.close();
  }

  #open(): ResourceTable {
    if (this.#closed) throw storeClosed();
    return this.#table;
  }
}
