import { WRITE_FUNCTIONS } from "./write-functions.ts";

/** One step from the schema before it, as SQL; its place in the list plus one is the schema's number. */
export type Migration = string;

/**
 * All steps, oldest first. A released step never changes; a new version of a function is a new step, and the step of the
 * old one becomes empty.
 *
 * Names sort by COLLATE "C", which is the order of code points. Spec and labels are text, so that what is read is exactly
 * what was written. The row of `monomesh_state` is what writers queue for: while one holds it nobody else writes, so
 * revisions have no gap and are visible in their order. `owner` has no foreign key: only `monomesh_write` writes, and the
 * check would cost a lookup for each row of a large delete.
 */
export const MIGRATIONS: readonly Migration[] = [
  `
  CREATE TABLE monomesh_state (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    revision bigint NOT NULL,
    trimmed timestamptz NOT NULL
  ) WITH (fillfactor = 10);
  INSERT INTO monomesh_state VALUES (true, 0, now());

  CREATE TABLE monomesh_resources (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    type text COLLATE "C" NOT NULL,
    mesh text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    owner bigint,
    version bigint NOT NULL,
    revision bigint NOT NULL,
    created bigint NOT NULL,
    modified bigint NOT NULL,
    labels text NOT NULL,
    spec text NOT NULL,
    UNIQUE (type, mesh, name)
  );
  CREATE INDEX monomesh_resources_by_owner ON monomesh_resources (owner) WHERE owner IS NOT NULL;

  CREATE TABLE monomesh_changes (
    change bigint PRIMARY KEY,
    op text NOT NULL CHECK (op IN ('put', 'delete')),
    type text COLLATE "C" NOT NULL,
    mesh text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    revision bigint NOT NULL,
    created bigint NOT NULL,
    modified bigint NOT NULL,
    labels text NOT NULL,
    spec text NOT NULL,
    stamp bigint NOT NULL,
    made timestamptz NOT NULL DEFAULT now()
  );

  CREATE TABLE monomesh_epochs (
    type text COLLATE "C" NOT NULL,
    mesh text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    epoch bigint NOT NULL,
    PRIMARY KEY (type, mesh, name)
  );
  `,
  "-- Was monomesh_write without joint writes, which the next step replaces.",
  WRITE_FUNCTIONS,
];
