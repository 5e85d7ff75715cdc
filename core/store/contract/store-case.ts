import type { ContractCase } from "../../kernel/contract.ts";
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
  /** False leaves out the cases that write 6,000 resources and more. Default true. */
  readonly large?: boolean | undefined;
  open(context: StoreOpenContext): Promise<ResourceStore>;
  /**
   * A program that opens the store in the work directory and runs `writeAndTell` on it until it is killed. Absent: the
   * cases that kill it are left out.
   */
  writer?(workDir: string): WriterCommand;
}

export interface WriterCommand {
  readonly file: string;
  readonly args: readonly string[];
}

/** What a case works with. */
export interface CaseContext {
  /** A new and empty store. */
  readonly store: ResourceStore;
  /** Aborts when the case took too long. */
  readonly signal: AbortSignal;
  /** The directory that the store was given; empty before it was opened. */
  readonly workDir: string;
  /** Moves the clock that the store was given. */
  advanceClock(ms: number): void;
  /** Closes the store and opens it again. */
  reopen(): Promise<ResourceStore>;
  /** Closes the store, lets another process write to it, and kills that one at once: the newest version answered, by name. */
  killWhileWriting(): Promise<ReadonlyMap<string, number>>;
}

/** One promise of the port. */
export interface StoreCase extends ContractCase<CaseContext> {
  /** Skips the case for stores without it; with `compacts` the store keeps `KEPT` changes. */
  readonly needs?: "durable" | "compacts" | "large" | "writer";
}

/** Changes that the store keeps in cases that need `compacts`. */
export const KEPT = 8;
