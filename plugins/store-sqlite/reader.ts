import { setImmediate as nextTurn } from "node:timers/promises";
import { MeshError } from "../../core/kernel/errors.ts";
import type { Resource, ResourceKey } from "../../core/model/resource.ts";
import { buildFilter } from "../../core/store/list-query.ts";
import type { Change, ListPage, ListQuery } from "../../core/store/resource-store.ts";
import {
  buildChange,
  buildResource,
  type ChangeRow,
  RESOURCE_COLUMNS,
  type ResourceRow,
} from "../../core/store/rows.ts";
import { PageBuilder, type ScannedRow, TURN } from "./page-builder.ts";
import type { SqliteConnection, SqliteStatement } from "./sqlite-driver.ts";

const SQL = {
  get: `SELECT ${RESOURCE_COLUMNS} FROM resources WHERE type = ? AND mesh = ? AND name = ?`,
  epoch: "SELECT epoch FROM epochs WHERE type = ? AND mesh = ? AND name = ?",
  revision: "SELECT max(change) AS revision FROM changes",
  changes: `SELECT change, op, ${RESOURCE_COLUMNS} FROM changes WHERE change > ? ORDER BY change LIMIT ${TURN}`,
  size: "SELECT sum(items) AS items FROM sizes WHERE type = ?",
  sizeInMesh: "SELECT items FROM sizes WHERE type = ? AND mesh = ?",
  byId: `SELECT ${RESOURCE_COLUMNS} FROM resources WHERE id = ?`,
  // A filter looks at all resources of a type; leaving out the spec makes that several times faster.
  scan: `SELECT id, mesh, name, labels FROM resources WHERE type = ? AND (mesh, name) > (?, ?)
    ORDER BY mesh, name LIMIT ?`,
  scanInMesh: `SELECT id, mesh, name, labels FROM resources WHERE type = ? AND mesh = ? AND name > ?
    ORDER BY name LIMIT ?`,
  items: `SELECT ${RESOURCE_COLUMNS} FROM resources WHERE type = ? AND (mesh, name) > (?, ?)
    ORDER BY mesh, name LIMIT ?`,
  itemsInMesh: `SELECT ${RESOURCE_COLUMNS} FROM resources WHERE type = ? AND mesh = ? AND name > ?
    ORDER BY name LIMIT ?`,
} as const;

/** Reads over one connection. Each method but `listLong` runs in one turn, so it sees one moment. */
export class Reader {
  readonly #connection: SqliteConnection;
  readonly #statements = new Map<keyof typeof SQL, SqliteStatement>();

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
  }

  get({ type, mesh, name }: ResourceKey): Resource | undefined {
    const row = this.#sql("get").get(type, mesh, name) as unknown as ResourceRow | undefined;
    return row && buildResource(row);
  }

  epoch({ type, mesh, name }: ResourceKey): number {
    return Number(this.#sql("epoch").get(type, mesh, name)?.["epoch"] ?? 0);
  }

  revision(): number {
    return Number(this.#sql("revision").get()?.["revision"] ?? 0);
  }

  /** The next changes after a revision, oldest first; undefined when they are no longer kept or not made yet. */
  changesAfter(revision: number): Change[] | undefined {
    const rows = this.#sql("changes").all(revision) as unknown as ChangeRow[];
    return rows[0]?.change === revision + 1 ? rows.map(buildChange) : undefined;
  }

  /** The changes `first` to `last`, with other work in between if they are many. */
  async changesBetween(first: number, last: number): Promise<Change[]> {
    const changes: Change[] = [];
    while (changes.length <= last - first) {
      if (changes.length > 0) await nextTurn();
      const next = this.changesAfter(first + changes.length - 1);
      if (!next) throw new MeshError("MM500", `change ${first + changes.length} is missing from the store`);
      for (const change of next) if (change.revision <= last) changes.push(change);
    }
    return changes;
  }

  /** Whether the list is too much for one turn of the event loop. */
  isLong(type: string, query: ListQuery): boolean {
    const read = buildFilter(query) ? Number.POSITIVE_INFINITY : (query.limit ?? Number.POSITIVE_INFINITY);
    return Math.min(read, this.#size(type, query.mesh)) > TURN;
  }

  list(type: string, query: ListQuery): ListPage {
    this.#connection.exec("BEGIN");
    try {
      const page = new PageBuilder(query, this.revision(), this.#size(type, query.mesh));
      while (!page.done) this.#readOn(type, query.mesh, page);
      return page.build();
    } finally {
      this.#connection.exec("COMMIT");
    }
  }

  /** As `list`, with other work in between; nothing else may use the connection meanwhile. */
  async listLong(type: string, query: ListQuery): Promise<ListPage> {
    this.#connection.exec("BEGIN");
    try {
      const page = new PageBuilder(query, this.revision(), this.#size(type, query.mesh));
      while (!page.done) {
        this.#readOn(type, query.mesh, page);
        await nextTurn();
      }
      return page.build();
    } finally {
      this.#connection.exec("COMMIT");
    }
  }

  close(): void {
    this.#connection.close();
  }

  #size(type: string, mesh: string | undefined): number {
    const row = mesh === undefined ? this.#sql("size").get(type) : this.#sql("sizeInMesh").get(type, mesh);
    return Number(row?.["items"] ?? 0);
  }

  /** Reads the rows of one turn into the page. */
  #readOn(type: string, mesh: string | undefined, page: PageBuilder): void {
    const { position, wanted, filtered } = page;
    const rows =
      mesh === undefined
        ? this.#sql(filtered ? "scan" : "items").all(type, position.mesh, position.name, wanted)
        : this.#sql(filtered ? "scanInMesh" : "itemsInMesh").all(type, mesh, position.name, wanted);
    if (filtered) page.addScanned(rows as unknown as ScannedRow[], (id) => this.#byId(id));
    else page.addItems(rows as unknown as ResourceRow[]);
  }

  #byId(id: number): ResourceRow {
    return this.#sql("byId").get(id) as unknown as ResourceRow;
  }

  #sql(name: keyof typeof SQL): SqliteStatement {
    const prepared = this.#statements.get(name) ?? this.#connection.prepare(SQL[name]);
    this.#statements.set(name, prepared);
    return prepared;
  }
}
