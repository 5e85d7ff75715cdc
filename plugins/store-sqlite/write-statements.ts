import { RESOURCE_COLUMNS } from "../../core/store/rows.ts";
import type { SqliteConnection, SqliteStatement } from "./sqlite-driver.ts";

const SQL = {
  begin: "BEGIN IMMEDIATE",
  commit: "COMMIT",
  rollback: "ROLLBACK",
  savepoint: "SAVEPOINT one",
  release: "RELEASE one",
  rollbackTo: "ROLLBACK TO one",
  find: "SELECT id, owner, version, created FROM resources WHERE type = ? AND mesh = ? AND name = ?",
  insert: `INSERT INTO resources (type, mesh, name, owner, version, revision, created, modified, labels, spec)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  update: "UPDATE resources SET owner = ?, version = ?, revision = ?, modified = ?, labels = ?, spec = ? WHERE id = ?",
  setOwner: "UPDATE resources SET owner = ? WHERE id = ?",
  owned: "SELECT id FROM resources WHERE owner = ?",
  ownerOf: "SELECT owner FROM resources WHERE id = ?",
  epoch: "SELECT epoch FROM epochs WHERE type = ? AND mesh = ? AND name = ?",
  setEpoch: "INSERT INTO epochs VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET epoch = excluded.epoch",
  addChange: `INSERT INTO changes (change, op, ${RESOURCE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  // Sets of ids as JSON: behind a savepoint, the time of many single deletes grows with their square.
  addDeletes: `INSERT INTO changes (change, op, ${RESOURCE_COLUMNS})
    SELECT ? + place, 'delete', ${RESOURCE_COLUMNS}
    FROM (SELECT key AS place, value AS doomed FROM json_each(?)) JOIN resources ON id = doomed`,
  removeAll: "DELETE FROM resources WHERE id IN (SELECT value FROM json_each(?))",
  // Two lookups: min and max in one query would read the whole table.
  keptChanges: "SELECT (SELECT min(change) FROM changes) AS oldest, (SELECT max(change) FROM changes) AS newest",
  trim: "DELETE FROM changes WHERE change < ?",
} as const;

export type WriteStatements = Readonly<Record<keyof typeof SQL, SqliteStatement>>;

export function prepareWrites(connection: SqliteConnection): WriteStatements {
  const entries = Object.entries(SQL).map(([name, sql]) => [name, connection.prepare(sql)]);
  return Object.fromEntries(entries) as WriteStatements;
}
