import { token } from "../kernel/token.ts";
import type { Resource, ResourceDraft, ResourceKey } from "../model/resource.ts";

/** One committed write. Revisions grow without gap in the order of commits; one revision is one change. */
export interface Change {
  readonly revision: number;
  readonly op: "put" | "delete";
  /** After a put the stored resource; after a delete the last one there was, with the revision of its last put. */
  readonly resource: Resource;
}

export interface ListQuery {
  /** Only this mesh; all meshes if absent. Types of Global scope have the mesh "". */
  readonly mesh?: string | undefined;
  /** Part of the name, literally and case-sensitive. Empty: no filter. */
  readonly nameContains?: string | undefined;
  /** All of these labels, exactly. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** Items to return at the most, from 1 (else MM400). No limit if absent. */
  readonly limit?: number | undefined;
  /**
   * The `next` of the page before. Opaque; stays valid under writes: no item that existed throughout is skipped or
   * repeated. Anything else is MM400.
   */
  readonly after?: string | undefined;
}

/** Items are in order of mesh, then name, both by code points (`compareText`). */
export interface ListPage {
  readonly items: readonly Resource[];
  /** Number of matching items over all pages. */
  readonly total: number;
  /** Undefined on the last page. */
  readonly next: string | undefined;
  /**
   * Revision the page was read at: a watch from it misses nothing. Who lists several types watches from the lowest of
   * their revisions and skips changes that a later list has included already.
   */
  readonly revision: number;
}

/** Refuses the write with MM511 unless the epoch of `key` is exactly `epoch`. */
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
  /**
   * The resource is deleted with its owner. The owner must exist (MM404) and must not be owned by the resource (MM400).
   * Kept from the last put if absent.
   */
  readonly owner?: ResourceKey | undefined;
}

/** One of several puts that are one write. */
export interface JointPut extends Pick<PutOptions, "expectedVersion" | "owner"> {
  readonly draft: ResourceDraft;
}

/**
 * The port that every store implements; `core/store/contract` is its suite. A write that returned is durable as far as
 * the store promises durability at all, and every read that starts afterwards sees it. A write that was refused has no
 * effect and uses up no revision. Writes that run at once are ordered by the store, each atomic by itself.
 *
 * Resources and changes that a store hands out are deeply frozen. Spec and labels are JSON: what JSON cannot express is
 * refused (MM400), `undefined` properties are left out.
 *
 * All methods reject with MeshError: MM400, MM404, MM409, MM503, MM510, MM511 or MM500; after `close`, with MM503.
 */
export interface ResourceStore {
  get(key: ResourceKey): Promise<Resource | undefined>;
  list(type: string, query?: ListQuery): Promise<ListPage>;
  /** Creates or replaces. An identical draft is still a write. */
  put(draft: ResourceDraft, options?: PutOptions): Promise<Resource>;
  /**
   * All of the puts in one commit, or none of them if one is refused, for the reasons that `put` has. Owners are looked for
   * when all are stored: one may own any other. `advance` moves an epoch with them as `advanceEpoch` does, and nothing is
   * put if that is refused. Returns what was stored, in order; revisions are consecutive.
   */
  putAll(puts: readonly JointPut[], advance?: Fence): Promise<readonly Resource[]>;
  /** Deletes the resource and what it owns, owned ones first; returns what was deleted. MM404 if there is none. */
  delete(key: ResourceKey, options?: WriteOptions): Promise<Resource>;
  /** Revision of the newest commit; 0 in a new store. */
  revision(): Promise<number>;
  /**
   * Every change after `revision`, in order, without gap or duplicate, in batches as they come; ends when the signal
   * aborts or the store closes. Rejects with MM510 when changes since `revision` are no longer kept, also later, if the
   * watcher falls behind what is kept; and when the store has never reached `revision`. One write, however much it
   * deletes, does not make a watcher fall behind that had kept up. What a watcher was told, a read sees.
   */
  watch(revision: number, signal: AbortSignal): AsyncIterable<readonly Change[]>;
  /** Epoch of a key: how often its ownership changed hands. Starts at 0 and outlives the resource, which need not exist. */
  epoch(key: ResourceKey): Promise<number>;
  /** Moves the epoch from `expected` to `expected + 1` and returns it; MM511 if another was faster. No revision is used. */
  advanceEpoch(key: ResourceKey, expected: number): Promise<number>;
  /** Finishes the writes that were begun, ends all watches and frees everything. May be called twice. */
  close(): Promise<void>;
}

export const ResourceStore = token<ResourceStore>("ResourceStore");
