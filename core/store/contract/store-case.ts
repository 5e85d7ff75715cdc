import type { PluginContext } from "../../kernel/plugin.ts";
import type { ResourceStore } from "../resource-store.ts";

/** What a store is opened with in a case; a second opening in the same work directory is the store after a restart. */
export interface StoreOpenContext extends PluginContext {
  /** Changes to keep, when the case is about what happens after they are gone; the store's own default if absent. */
  readonly retainedChanges: number | undefined;
}

/** A store under test. Cases that need more than it promises are skipped, and the report says why. */
export interface StoreUnderTest {
  /** A store that was closed and is opened again has everything. */
  readonly durable: boolean;
  /** `retainedChanges` is honoured, roughly: never less, and not many times more. */
  readonly compacts: boolean;
  /** False leaves out the cases that write 100,000 resources. Default true. */
  readonly large?: boolean | undefined;
  open(context: StoreOpenContext): Promise<ResourceStore>;
}

/** What a case works with. */
export interface CaseContext {
  /** A new and empty store. */
  readonly store: ResourceStore;
  /** Aborts when the case took too long. */
  readonly signal: AbortSignal;
  /** Moves the clock that the store was given. */
  advanceClock(ms: number): void;
  /** Closes the store and opens it again. */
  reopen(): Promise<ResourceStore>;
}

/** One promise of the port. Data, so that `monomesh plugin test` and node:test run the very same cases. */
export interface StoreCase {
  /** A sentence that is true of a store that passes. */
  readonly name: string;
  /** Skips the case for stores without it; with `compacts` the store keeps `KEPT` changes. */
  readonly needs?: "durable" | "compacts" | "large";
  run(context: CaseContext): Promise<void>;
}

/** Changes that the store keeps in cases that need `compacts`. */
export const KEPT = 8;
