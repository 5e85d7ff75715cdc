import { type Clock, systemClock } from "../../core/kernel/clock.ts";
import { keyText, type Resource, type ResourceDraft, type ResourceKey, sameKey } from "../../core/model/resource.ts";
import { ChangeLog } from "../../core/store/change-log.ts";
import { buildFilter, checkLimit, decodePosition, encodePosition } from "../../core/store/list-query.ts";
import type {
  Change,
  Fence,
  ListPage,
  ListQuery,
  PutOptions,
  ResourceStore,
  WriteOptions,
} from "../../core/store/resource-store.ts";
import { conflict, fenced, notFound, ownerCycle, ownerNotFound, storeClosed } from "../../core/store/store-errors.ts";
import { storable } from "../../core/store/stored-value.ts";
import { compareText } from "../../core/store/text-order.ts";
import { type Entry, MeshTable } from "./mesh-table.ts";

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
  readonly #types = new Map<string, Map<string, MeshTable>>();
  readonly #epochs = new Map<string, number>();
  #closed = false;

  constructor(clock: Clock, retainedChanges: number) {
    this.#clock = clock;
    this.#log = new ChangeLog({ capacity: retainedChanges, start: 0 });
  }

  async get(key: ResourceKey): Promise<Resource | undefined> {
    this.#checkOpen();
    return this.#entry(key)?.resource;
  }

  async list(type: string, query: ListQuery = {}): Promise<ListPage> {
    this.#checkOpen();
    checkLimit(query.limit);
    const after = decodePosition(query.after);
    const meshes = this.#meshesOf(type, query.mesh);
    const filter = buildFilter(query);
    const limit = query.limit ?? Number.POSITIVE_INFINITY;
    const items: Resource[] = [];
    let total = 0;
    let more = false;
    for (const [mesh, table] of meshes) {
      if (!filter) total += table.size;
      const order = after === undefined ? 1 : compareText(mesh, after.mesh);
      const start = order > 0 ? 0 : order < 0 ? table.size : table.indexAfter(after?.name ?? "");
      // Without filters only the page is walked; with them every item is looked at, for the total.
      const names = table.names();
      for (let at = filter ? 0 : start; at < names.length; at++) {
        const resource = table.get(names[at] ?? "")?.resource;
        if (!resource) continue;
        if (filter) {
          if (!filter(resource.name, () => resource.labels)) continue;
          total++;
          if (at < start) continue;
        }
        if (items.length < limit) items.push(resource);
        else {
          more = true;
          if (!filter) break;
        }
      }
    }
    const last = items.at(-1);
    return { items, total, next: more && last ? encodePosition(last) : undefined, revision: this.#log.last };
  }

  async put(draft: ResourceDraft, options: PutOptions = {}): Promise<Resource> {
    this.#checkOpen();
    const kept = storable(draft);
    this.#checkFence(options.fence);
    const entry = this.#entry(draft);
    const before = entry?.resource;
    this.#checkVersion(draft, options.expectedVersion, before?.version ?? 0);
    const owner = options.owner ? this.#owner(draft, options.owner, entry) : entry?.owner;
    const now = this.#clock.now();
    const resource: Resource = Object.freeze({
      ...kept,
      creationTime: before?.creationTime ?? now,
      modificationTime: now,
      version: (before?.version ?? 0) + 1,
      revision: this.#log.last + 1,
    });
    const stored = entry ?? this.#add(resource);
    stored.resource = resource;
    if (stored.owner !== owner) {
      stored.owner?.owned.delete(stored);
      stored.owner = owner;
      owner?.owned.add(stored);
    }
    this.#log.append([Object.freeze<Change>({ revision: resource.revision, op: "put", resource })]);
    return resource;
  }

  async delete(key: ResourceKey, options: WriteOptions = {}): Promise<Resource> {
    this.#checkOpen();
    this.#checkFence(options.fence);
    const root = this.#entry(key);
    if (!root) throw notFound(key);
    this.#checkVersion(key, options.expectedVersion, root.resource.version);
    const doomed = [root];
    // The array grows while it is walked: owners stand before what they own, so its reverse deletes owned ones first.
    for (const entry of doomed) for (const owned of entry.owned) doomed.push(owned);
    let revision = this.#log.last;
    const changes: Change[] = [];
    for (const entry of doomed.reverse()) {
      const { type, mesh, name } = entry.resource;
      this.#types.get(type)?.get(mesh)?.delete(name);
      entry.owner?.owned.delete(entry);
      changes.push(Object.freeze<Change>({ revision: ++revision, op: "delete", resource: entry.resource }));
    }
    this.#log.append(changes);
    return root.resource;
  }

  async revision(): Promise<number> {
    this.#checkOpen();
    return this.#log.last;
  }

  watch(revision: number, signal: AbortSignal): AsyncIterable<readonly Change[]> {
    return this.#log.watch(revision, signal);
  }

  async epoch(key: ResourceKey): Promise<number> {
    this.#checkOpen();
    return this.#epochs.get(keyText(key)) ?? 0;
  }

  async advanceEpoch(key: ResourceKey, expected: number): Promise<number> {
    this.#checkOpen();
    this.#checkFence({ key, epoch: expected });
    this.#epochs.set(keyText(key), expected + 1);
    return expected + 1;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#log.close();
  }

  #entry(key: ResourceKey): Entry | undefined {
    return this.#types.get(key.type)?.get(key.mesh)?.get(key.name);
  }

  #meshesOf(type: string, mesh: string | undefined): [string, MeshTable][] {
    const tables = this.#types.get(type);
    if (!tables) return [];
    if (mesh === undefined) return [...tables].sort(([a], [b]) => compareText(a, b));
    const table = tables.get(mesh);
    return table ? [[mesh, table]] : [];
  }

  #add(resource: Resource): Entry {
    const tables = this.#types.get(resource.type) ?? new Map<string, MeshTable>();
    const table = tables.get(resource.mesh) ?? new MeshTable();
    this.#types.set(resource.type, tables.set(resource.mesh, table));
    const entry: Entry = { resource, owner: undefined, owned: new Set() };
    table.add(resource.name, entry);
    return entry;
  }

  #owner(key: ResourceKey, ownerKey: ResourceKey, entry: Entry | undefined): Entry {
    const owner = this.#entry(ownerKey);
    if (!owner && sameKey(key, ownerKey)) throw ownerCycle(key, ownerKey);
    if (!owner) throw ownerNotFound(key, ownerKey);
    for (let each: Entry | undefined = owner; each; each = each.owner) {
      if (each === entry) throw ownerCycle(key, ownerKey);
    }
    return owner;
  }

  #checkOpen(): void {
    if (this.#closed) throw storeClosed();
  }

  #checkFence(fence: Fence | undefined): void {
    if (!fence) return;
    const epoch = this.#epochs.get(keyText(fence.key)) ?? 0;
    if (epoch !== fence.epoch) throw fenced(fence.key, fence.epoch, epoch);
  }

  #checkVersion(key: ResourceKey, expected: number | undefined, actual: number): void {
    if (expected !== undefined && expected !== actual) throw conflict(key, expected, actual);
  }
}
