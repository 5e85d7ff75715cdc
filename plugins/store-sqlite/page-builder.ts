import type { Resource } from "../../core/model/resource.ts";
import {
  buildFilter,
  decodePosition,
  encodePosition,
  type ListFilter,
  type ListPosition,
} from "../../core/store/list-query.ts";
import type { ListPage, ListQuery } from "../../core/store/resource-store.ts";
import { buildResource, type ResourceRow } from "../../core/store/rows.ts";
import { compareText } from "../../core/store/text-order.ts";

/** Rows that are read in one turn of the event loop: under 10 ms of work. */
export const TURN = 500;

/** What a filter looks at. */
export interface ScannedRow extends ListPosition {
  readonly id: number;
  readonly labels: string;
}

/** Collects a page from the rows of successive turns. */
export class PageBuilder {
  readonly #filter: ListFilter | undefined;
  readonly #after: ListPosition;
  readonly #revision: number;
  readonly #limit: number;
  readonly #items: Resource[] = [];
  #total: number;
  #more = false;
  /** Where the next turn goes on. A filter must see every item for the total, so it begins before the page. */
  position: ListPosition;
  done = false;

  constructor(query: ListQuery, revision: number, size: number) {
    this.#filter = buildFilter(query);
    this.#after = startOf(query);
    this.#revision = revision;
    this.#limit = query.limit ?? Number.POSITIVE_INFINITY;
    this.#total = this.filtered ? 0 : size;
    this.position = this.filtered ? { mesh: query.mesh ?? "", name: "" } : this.#after;
  }

  get filtered(): boolean {
    return this.#filter !== undefined;
  }

  /** Rows to read in the next turn; one more than the page has room for shows whether there are more. */
  get wanted(): number {
    return this.filtered ? TURN : Math.min(TURN, this.#limit - this.#items.length + 1);
  }

  /** The rows of the next turn, when the query has no filter. */
  addItems(rows: readonly ResourceRow[]): void {
    this.done = rows.length < this.wanted;
    for (const row of rows) this.#addItem(row, () => row);
    if (this.#more) this.done = true;
  }

  /** The rows of the next turn, when the query has a filter; `load` reads the rest of one that goes into the page. */
  addScanned(rows: readonly ScannedRow[], load: (id: number) => ResourceRow): void {
    this.done = rows.length < this.wanted;
    for (const row of rows) {
      this.position = row;
      if (this.#filter && !this.#filter(row.name, () => JSON.parse(row.labels))) continue;
      this.#total++;
      if (this.#isAfter(row)) this.#addItem(row, () => load(row.id));
    }
  }

  build(): ListPage {
    const last = this.#items.at(-1);
    const next = this.#more && last ? encodePosition(last) : undefined;
    return { items: this.#items, total: this.#total, next, revision: this.#revision };
  }

  #addItem(position: ListPosition, load: () => ResourceRow): void {
    if (this.#items.length >= this.#limit) {
      this.#more = true;
      return;
    }
    this.position = position;
    this.#items.push(buildResource(load()));
  }

  #isAfter(row: ListPosition): boolean {
    const byMesh = compareText(row.mesh, this.#after.mesh);
    return byMesh > 0 || (byMesh === 0 && compareText(row.name, this.#after.name) > 0);
  }
}

/** The position behind which the page begins; in the query's mesh, if it has one. Names are never empty. */
function startOf({ mesh, after }: ListQuery): ListPosition {
  const position = decodePosition(after) ?? { mesh: "", name: "" };
  if (mesh === undefined || mesh === position.mesh) return position;
  return compareText(position.mesh, mesh) < 0 ? { mesh, name: "" } : { mesh, name: BEYOND };
}

/** Above every name: U+10FFFF is no character. */
const BEYOND = "\u{10ffff}".repeat(256);
