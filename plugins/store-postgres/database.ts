import type pg from "pg";
import type { Resource } from "../../core/model/resource.ts";
import type { Change } from "../../core/store/resource-store.ts";
import {
  buildChange,
  buildResource,
  type ChangeRow,
  RESOURCE_COLUMNS,
  type ResourceRow,
} from "../../core/store/rows.ts";
import type { Content } from "./memory-copy.ts";
import type { WriteReply } from "./write-batch.ts";

/** Rows that are fetched at once: some milliseconds of work for the event loop. */
const CHUNK = 1000;

/** Statements with a name are prepared once for each connection. */
const PULL = {
  name: "pull",
  text: `SELECT s.revision AS newest, (SELECT stamp FROM monomesh_changes WHERE change = $1) AS present, c.*
  FROM monomesh_state s LEFT JOIN LATERAL (
    SELECT change, op, ${RESOURCE_COLUMNS}, stamp FROM monomesh_changes WHERE change > $1 ORDER BY change LIMIT ${CHUNK}
  ) c ON true`,
};
const WRITE = { name: "write", text: "SELECT monomesh_write($1::jsonb, $2, $3) AS replies" };
const NOW = `SELECT s.revision, (SELECT c.stamp FROM monomesh_changes c WHERE c.change = s.revision) AS stamp
  FROM monomesh_state s`;
const EPOCH = { name: "epoch", text: "SELECT epoch FROM monomesh_epochs WHERE type = $1 AND mesh = $2 AND name = $3" };

type Queryable = Pick<pg.Pool, "query">;

/** The next changes, and how far the database is. */
export interface Pulled {
  readonly newest: number;
  /** Stamp of the change that was asked from; undefined when it is not kept or there never was one. */
  readonly present: number | undefined;
  readonly changes: readonly StampedChange[];
}

export interface StampedChange {
  readonly change: Change;
  readonly stamp: number;
}

/** Some of the changes after a revision, oldest first. */
export async function pullChanges(db: Queryable, revision: number): Promise<Pulled> {
  type Row = ChangeRow & { readonly newest: number; readonly present: number | null; readonly stamp: number };
  const { rows } = await db.query<Row>({ ...PULL, values: [revision] });
  const changes = rows.flatMap((row) => (row.change === null ? [] : [{ change: buildChange(row), stamp: row.stamp }]));
  return { newest: rows[0]?.newest ?? 0, present: rows[0]?.present ?? undefined, changes };
}

/** Commits a batch; `batch` is what `encodeBatch` makes. */
export async function writeBatch(
  db: Queryable,
  batch: string,
  kept: number,
  stamp: number,
): Promise<readonly WriteReply[]> {
  const { rows } = await db.query<{ replies: WriteReply[] }>({ ...WRITE, values: [batch, kept, stamp] });
  return rows[0]?.replies ?? [];
}

export async function readEpoch(db: Queryable, key: { type: string; mesh: string; name: string }): Promise<number> {
  const { rows } = await db.query<{ epoch: number }>({ ...EPOCH, values: [key.type, key.mesh, key.name] });
  return rows[0]?.epoch ?? 0;
}

/** Everything, as of one moment. */
export async function readContent(pool: pg.Pool): Promise<Content> {
  const client = await pool.connect();
  try {
    await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY");
    const { rows: states } = await client.query<{ revision: number; stamp: number | null }>(NOW);
    const { revision = 0, stamp } = states[0] ?? {};
    const resources: Resource[] = [];
    for (let from = 0; ; ) {
      const { rows } = await client.query<ResourceRow & { id: number }>(
        `SELECT id, ${RESOURCE_COLUMNS} FROM monomesh_resources WHERE id > $1 ORDER BY id LIMIT ${CHUNK}`,
        [from],
      );
      for (const row of rows) resources.push(buildResource(row));
      from = rows.at(-1)?.id ?? from;
      if (rows.length < CHUNK) break;
    }
    await client.query("COMMIT");
    client.release();
    return { resources, revision, stamp: stamp ?? undefined };
  } catch (error) {
    client.release(true);
    throw error;
  }
}
