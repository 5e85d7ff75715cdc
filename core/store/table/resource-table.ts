import { keyText, type Resource, type ResourceDraft, type ResourceKey, sameKey } from "../../model/resource.ts";
import { buildFilter, checkLimit, decodePosition, encodePosition } from "../list-query.ts";
import type { Change, Fence, JointPut, ListPage, ListQuery, PutOptions, WriteOptions } from "../resource-store.ts";
import { conflict, fenced, notFound, ownerCycle, ownerNotFound } from "../store-errors.ts";
import { compareText } from "../text-order.ts";
import { type Entry, MeshTable } from "./mesh-table.ts";

/** A stored resource and who owns it: what must be kept of it over a restart. */
export interface StoredRecord {
  readonly resource: Resource;
  readonly owner?: ResourceKey | undefined;
}

/** An epoch that is not 0. */
export interface StoredEpoch {
  readonly key: ResourceKey;
  readonly epoch: number;
}

export interface DeleteOutcome {
  readonly resource: Resource;
  readonly changes: readonly Change[];
}

export interface PutAllOutcome {
  readonly changes: readonly Change[];
  readonly advanced: StoredEpoch | undefined;
}

/**
 * All rules of `ResourceStore` over resources in memory, without waiting: versions, fences, owners, epochs, lists. A write
 * that is refused throws as the port says and has no effect. Stores that keep everything in memory are made of it.
 */
export class ResourceTable {
  readonly #types = new Map<string, Map<string, MeshTable>>();
  readonly #epochs = new Map<string, StoredEpoch>();
  /** Revision of the newest write. */
  revision = 0;

  get(key: ResourceKey): Resource | undefined {
    return this.#entry(key)?.resource;
  }

  list(type: string, query: ListQuery = {}): ListPage {
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
    return { items, total, next: more && last ? encodePosition(last) : undefined, revision: this.revision };
  }

  /** `kept` must come from `storable`; `now` is milliseconds since 1970. */
  put(kept: ResourceDraft, options: PutOptions, now: number): Change {
    this.#checkFence(options.fence);
    const entry = this.#entry(kept);
    const before = entry?.resource;
    this.#checkVersion(kept, options.expectedVersion, before?.version ?? 0);
    const owner = options.owner ? this.#owner(kept, options.owner, entry) : entry?.owner;
    const resource: Resource = Object.freeze({
      ...kept,
      creationTime: before?.creationTime ?? now,
      modificationTime: now,
      version: (before?.version ?? 0) + 1,
      revision: ++this.revision,
    });
    own(this.#keep(resource), owner);
    return Object.freeze<Change>({ revision: resource.revision, op: "put", resource });
  }

  /** See `ResourceStore.putAll`; drafts and `now` as for `put`. */
  putAll(puts: readonly JointPut[], advance: Fence | undefined, now: number): PutAllOutcome {
    if (advance) this.#checkFence(advance);
    const revision = this.revision;
    const undo: (() => void)[] = [];
    try {
      const changes = puts.map(({ draft, expectedVersion }) => {
        undo.push(this.#wayBack(draft));
        return this.put(draft, { expectedVersion }, now);
      });
      for (const { draft, owner } of puts) {
        const entry = this.#entry(draft);
        if (entry && owner) own(entry, this.#owner(draft, owner, entry));
      }
      return { changes, advanced: advance && this.advanceEpoch(advance.key, advance.epoch) };
    } catch (error) {
      for (const back of undo.reverse()) back();
      this.revision = revision;
      throw error;
    }
  }

  /** Returns the resource, and a change for each that went: owned ones first, the resource itself last. */
  delete(key: ResourceKey, options: WriteOptions = {}): DeleteOutcome {
    this.#checkFence(options.fence);
    const root = this.#entry(key);
    if (!root) throw notFound(key);
    this.#checkVersion(key, options.expectedVersion, root.resource.version);
    const doomed = [root];
    // The array grows while it is walked: owners stand before what they own, so its reverse deletes owned ones first.
    for (const entry of doomed) for (const owned of entry.owned) doomed.push(owned);
    const changes = doomed.reverse().map((entry) => {
      this.#drop(entry);
      return Object.freeze<Change>({ revision: ++this.revision, op: "delete", resource: entry.resource });
    });
    return { resource: root.resource, changes };
  }

  epoch(key: ResourceKey): number {
    return this.#epochs.get(keyText(key))?.epoch ?? 0;
  }

  advanceEpoch(key: ResourceKey, expected: number): StoredEpoch {
    this.#checkFence({ key, epoch: expected });
    const { type, mesh, name } = key;
    const advanced = { key: { type, mesh, name }, epoch: expected + 1 };
    this.restoreEpoch(advanced);
    return advanced;
  }

  /** The owner of a stored resource. */
  ownerOf(key: ResourceKey): ResourceKey | undefined {
    const owner = this.#entry(key)?.owner?.resource;
    return owner && { type: owner.type, mesh: owner.mesh, name: owner.name };
  }

  /** Takes over resources as they are, in any order; one whose owner is not there stays without. Leaves `revision` alone. */
  restore(records: Iterable<StoredRecord>): void {
    const owned: [Entry, ResourceKey][] = [];
    for (const { resource, owner } of records) {
      const entry = this.#keep(resource);
      own(entry, undefined);
      if (owner) owned.push([entry, owner]);
    }
    for (const [entry, owner] of owned) own(entry, this.#entry(owner));
  }

  restoreEpoch({ key, epoch }: StoredEpoch): void {
    this.#epochs.set(keyText(key), { key, epoch });
  }

  /** Removes a resource without any rule; nothing if there is none. */
  forget(key: ResourceKey): void {
    const entry = this.#entry(key);
    if (!entry) return;
    for (const owned of [...entry.owned]) own(owned, undefined);
    this.#drop(entry);
  }

  *records(): Generator<StoredRecord, void, void> {
    for (const meshes of this.#types.values()) {
      for (const table of meshes.values()) {
        for (const { resource } of table.entries()) yield { resource, owner: this.ownerOf(resource) };
      }
    }
  }

  epochs(): Iterable<StoredEpoch> {
    return this.#epochs.values();
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

  #keep(resource: Resource): Entry {
    const known = this.#entry(resource);
    if (known) {
      known.resource = resource;
      return known;
    }
    const tables = this.#types.get(resource.type) ?? new Map<string, MeshTable>();
    const table = tables.get(resource.mesh) ?? new MeshTable();
    this.#types.set(resource.type, tables.set(resource.mesh, table));
    const entry: Entry = { resource, owner: undefined, owned: new Set() };
    table.add(resource.name, entry);
    return entry;
  }

  /** What makes the key again what it is now. */
  #wayBack(key: ResourceKey): () => void {
    const entry = this.#entry(key);
    if (!entry) return () => this.forget(key);
    const { resource, owner } = entry;
    return () => {
      entry.resource = resource;
      own(entry, owner);
    };
  }

  #drop(entry: Entry): void {
    const { type, mesh, name } = entry.resource;
    this.#types.get(type)?.get(mesh)?.delete(name);
    entry.owner?.owned.delete(entry);
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

  #checkFence(fence: Fence | undefined): void {
    if (!fence) return;
    const epoch = this.epoch(fence.key);
    if (epoch !== fence.epoch) throw fenced(fence.key, fence.epoch, epoch);
  }

  #checkVersion(key: ResourceKey, expected: number | undefined, actual: number): void {
    if (expected !== undefined && expected !== actual) throw conflict(key, expected, actual);
  }
}

function own(entry: Entry, owner: Entry | undefined): void {
  if (entry.owner === owner) return;
  entry.owner?.owned.delete(entry);
  entry.owner = owner;
  owner?.owned.add(entry);
}
