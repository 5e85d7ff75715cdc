import { token } from "../kernel/token.ts";
import type { Resource, ResourceDraft, ResourceKey } from "../model/resource.ts";

/** One committed write. Revisions grow without gap in the order of commits; one revision is one change. */
export interface Change {
  readonly revision: number;
  readonly op: "put" | "delete";
  /** After a put the stored resource; after a delete the last one there was. */
  readonly resource: Resource;
}

export interface ListQuery {
  /** Only this mesh; all meshes if absent. */
  readonly mesh?: string | undefined;
  /** Part of the name. */
  readonly nameContains?: string | undefined;
  /** All of these labels, exactly. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** Items to return at the most. No limit if absent. */
  readonly limit?: number | undefined;
  /** The `next` of the page before. Opaque; stays valid under writes: no item that existed throughout is skipped or repeated. */
  readonly after?: string | undefined;
}

/** Items are in order of mesh, then name (code units). */
export interface ListPage {
  readonly items: readonly Resource[];
  /** Number of matching items over all pages. */
  readonly total: number;
  readonly next: string | undefined;
  /** Revision the page was read at: a watch from it misses nothing. */
  readonly revision: number;
}

/** Refuses the write with MM511 unless the epoch of `key` is still `epoch`. */
export interface Fence {
  readonly key: ResourceKey;
  readonly epoch: number;
}

export interface WriteOptions {
  /** The version the caller saw; 0 means "must not exist". Anything else in the store is a conflict (MM409). Absent: no check. */
  readonly expectedVersion?: number | undefined;
  readonly fence?: Fence | undefined;
}

export interface PutOptions extends WriteOptions {
  /** The resource is deleted with its owner. The owner must exist (MM404). Kept from the last put if absent. */
  readonly owner?: ResourceKey | undefined;
}

/**
 * The port that every store implements; `test/contract/store` is its suite. A write that returned is durable as far as
 * the store promises durability at all. All methods reject with MeshError: MM404, MM409, MM503, MM510, MM511 or MM500.
 */
export interface ResourceStore {
  get(key: ResourceKey): Promise<Resource | undefined>;
  list(type: string, query?: ListQuery): Promise<ListPage>;
  /** Creates or replaces. An identical draft is still a write. */
  put(draft: ResourceDraft, options?: PutOptions): Promise<Resource>;
  /** Deletes the resource and what it owns, owned ones first; returns what was deleted. MM404 if there is none. */
  delete(key: ResourceKey, options?: WriteOptions): Promise<Resource>;
  /** Revision of the newest commit; 0 in a new store. */
  revision(): Promise<number>;
  /**
   * Every change after `revision`, in order, without gap or duplicate, in batches as they come; ends when the signal
   * aborts. Rejects with MM510 when changes since `revision` are no longer kept.
   */
  watch(revision: number, signal: AbortSignal): AsyncIterable<readonly Change[]>;
  /** Epoch of a key: how often its ownership changed hands. Starts at 0 and outlives the resource. */
  epoch(key: ResourceKey): Promise<number>;
  /** Moves the epoch from `expected` to `expected + 1` and returns it; MM511 if another was faster. */
  advanceEpoch(key: ResourceKey, expected: number): Promise<number>;
  close(): Promise<void>;
}

export const ResourceStore = token<ResourceStore>("ResourceStore");
