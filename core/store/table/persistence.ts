import type { ResourceKey } from "../../model/resource.ts";
import type { StoredEpoch, StoredRecord } from "./resource-table.ts";

/** Everything a store must remember over a restart. */
export interface StoreSnapshot {
  /** Revision of the newest commit; 0 in a new store. */
  readonly revision: number;
  readonly records: Iterable<StoredRecord>;
  readonly epochs: Iterable<StoredEpoch>;
}

/** What one or more writes that were waiting together have changed; each key at most once. */
export interface StoreCommit {
  /** Revision of the store after it. */
  readonly revision: number;
  readonly puts: readonly StoredRecord[];
  readonly deletes: readonly ResourceKey[];
  readonly epochs: readonly StoredEpoch[];
}

/** The part that differs between stores which keep everything in memory: how it survives. All else is `openPersistedStore`. */
export interface StorePersistence {
  /** Called once, first. A snapshot is taken as it is: what a commit kept, this must give back. */
  load(): Promise<StoreSnapshot>;
  /**
   * Makes the whole commit durable, or rejects and has kept nothing of it; its writes are answered after it resolved. The
   * next one is called when this one is done. Records and keys are frozen.
   */
  commit(commit: StoreCommit): Promise<void>;
  /** Called once, after the last commit. */
  close?(): Promise<void>;
}
