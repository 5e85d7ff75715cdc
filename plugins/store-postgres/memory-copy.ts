import type { Resource, ResourceKey } from "../../core/model/resource.ts";
import { ChangeLog } from "../../core/store/change-log.ts";
import type { Change, ListPage, ListQuery } from "../../core/store/resource-store.ts";
import { ResourceTable } from "../../core/store/table/resource-table.ts";

/** Everything there was at a revision. */
export interface Content {
  readonly resources: readonly Resource[];
  readonly revision: number;
  /** Stamp of the newest change; undefined when there never was one. */
  readonly stamp: number | undefined;
}

/**
 * The whole content of the database in memory, as of some revision, with the changes that led there. All reads are served
 * from it, so there is one way of reading, whether or not the database is there, and everybody shares the same objects.
 */
export class MemoryCopy {
  readonly #log: ChangeLog;
  #table = new ResourceTable();
  #stamp: number | undefined;

  constructor(content: Content, keptChanges: number) {
    this.#log = new ChangeLog({ capacity: keptChanges, start: content.revision });
    this.#fill(content);
  }

  get revision(): number {
    return this.#table.revision;
  }

  get stamp(): number | undefined {
    return this.#stamp;
  }

  get(key: ResourceKey): Resource | undefined {
    return this.#table.get(key);
  }

  list(type: string, query: ListQuery): ListPage {
    return this.#table.list(type, query);
  }

  watch(revision: number, signal: AbortSignal): AsyncIterable<readonly Change[]> {
    return this.#log.watch(revision, signal);
  }

  /** Adds changes; the first one's revision must be the next. */
  apply(changes: readonly Change[], stamp: number): void {
    if (changes.length === 0) return;
    for (const change of changes) {
      if (change.op === "put") this.#table.restore([change]);
      else this.#table.forget(change.resource);
    }
    this.#table.revision += changes.length;
    this.#stamp = stamp;
    this.#log.append(changes);
  }

  /** Begins anew; every watch gets MM510. */
  replace(content: Content): void {
    this.#table = new ResourceTable();
    this.#fill(content);
    this.#log.restart(content.revision);
  }

  /** Ends every watch. */
  close(): void {
    this.#log.close();
  }

  #fill({ resources, revision, stamp }: Content): void {
    this.#table.restore(resources.map((resource) => ({ resource })));
    this.#table.revision = revision;
    this.#stamp = stamp;
  }
}
