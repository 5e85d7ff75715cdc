import { keyText, type Resource, type ResourceKey } from "../../model/resource.ts";
import type { Change } from "../resource-store.ts";
import type { StoreCommit } from "./persistence.ts";
import type { ResourceTable, StoredEpoch } from "./resource-table.ts";

/** Collects the writes of one commit; of several to one key only the last counts. */
export class CommitBuilder {
  readonly #table: ResourceTable;
  readonly #changes: Change[] = [];
  readonly #epochs = new Map<string, StoredEpoch>();

  /** `table` has the writes that are added. */
  constructor(table: ResourceTable) {
    this.#table = table;
  }

  get empty(): boolean {
    return this.#changes.length === 0 && this.#epochs.size === 0;
  }

  /** Every change, in order. */
  get changes(): readonly Change[] {
    return this.#changes;
  }

  add(changes: readonly Change[]): void {
    for (const change of changes) this.#changes.push(change);
  }

  addEpoch(epoch: StoredEpoch): void {
    this.#epochs.set(keyText(epoch.key), epoch);
  }

  build(): StoreCommit {
    const last = new Map<string, Change>();
    for (const change of this.#changes) last.set(keyText(change.resource), change);
    const puts: Resource[] = [];
    const deletes: ResourceKey[] = [];
    for (const { op, resource } of last.values()) {
      if (op === "put") puts.push(resource);
      else deletes.push(Object.freeze({ type: resource.type, mesh: resource.mesh, name: resource.name }));
    }
    return {
      revision: this.#table.revision,
      puts: puts.map((resource) => Object.freeze({ resource, owner: this.#table.ownerOf(resource) })),
      deletes,
      epochs: [...this.#epochs.values()],
    };
  }
}
