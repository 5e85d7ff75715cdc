/** "MoMe": marks a database file as ours. */
export const APPLICATION_ID = 0x4d6f4d65;

/** One step from the schema before it, as SQL; its place in the list plus one is the schema's number (`user_version`). */
export type Migration = string;

/**
 * All steps, oldest first. A released step never changes.
 *
 * `changes` always keeps its newest row: the store's revision is its largest key. `sizes` exists because counting
 * 100,000 index entries takes 8 ms, on the event loop, for each page of a list. The index by owner has all resources,
 * since SQLite's own check of the reference does not use a partial one, and would read the whole table for each delete.
 */
export const MIGRATIONS: readonly Migration[] = [
  `
  CREATE TABLE resources (
    id INTEGER PRIMARY KEY,
    type TEXT NOT NULL,
    mesh TEXT NOT NULL,
    name TEXT NOT NULL,
    owner INTEGER REFERENCES resources (id),
    version INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    created INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    labels TEXT NOT NULL,
    spec TEXT NOT NULL,
    UNIQUE (type, mesh, name)
  ) STRICT;
  CREATE INDEX resources_by_owner ON resources (owner);

  CREATE TABLE changes (
    change INTEGER PRIMARY KEY,
    op TEXT NOT NULL CHECK (op IN ('put', 'delete')),
    type TEXT NOT NULL,
    mesh TEXT NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    created INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    labels TEXT NOT NULL,
    spec TEXT NOT NULL
  ) STRICT;

  CREATE TABLE epochs (
    type TEXT NOT NULL,
    mesh TEXT NOT NULL,
    name TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    PRIMARY KEY (type, mesh, name)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE sizes (
    type TEXT NOT NULL,
    mesh TEXT NOT NULL,
    items INTEGER NOT NULL,
    PRIMARY KEY (type, mesh)
  ) STRICT, WITHOUT ROWID;
  CREATE TRIGGER resource_added AFTER INSERT ON resources BEGIN
    INSERT INTO sizes VALUES (new.type, new.mesh, 1) ON CONFLICT DO UPDATE SET items = items + 1;
  END;
  CREATE TRIGGER resource_removed AFTER DELETE ON resources BEGIN
    UPDATE sizes SET items = items - 1 WHERE type = old.type AND mesh = old.mesh;
  END;
  `,
];
