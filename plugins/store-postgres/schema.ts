/** One step from the schema before it, as SQL; its place in the list plus one is the schema's number. */
export type Migration = string;

/** The channel that wakes the other control planes; what is sent on it is only a hint. */
export const CHANNEL = "monomesh_changes";

/** Changes are kept for this long even if there are more of them than must be, for control planes that were briefly away. */
const KEPT_FOR = "1 minute";

/**
 * All steps, oldest first. A released step never changes; a new version of a function is a new step.
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
  writeFunction(),
];

/**
 * Applies a batch of writes in one round trip and one commit; each is checked before it changes anything, so a refused
 * one needs no savepoint. Replies are in the order of the batch: what was done, or why not. See `write-batch.ts` for both
 * forms. `stamp` marks the changes of this batch: after a failover a control plane sees by it whether the database still
 * has what it was told.
 */
function writeFunction(): string {
  return `
  CREATE FUNCTION monomesh_write(batch jsonb, kept bigint, stamp bigint) RETURNS jsonb LANGUAGE plpgsql AS $body$
  DECLARE
    before bigint;
    at bigint;
    trimmed_at timestamptz;
    replies jsonb[] := '{}';
    asked jsonb;
    op text;
    k_type text; k_mesh text; k_name text;
    have record;
    stored bigint;
    present bigint;
    owner_id bigint;
    up bigint;
    born bigint;
    total bigint;
  BEGIN
    SELECT s.revision, s.trimmed INTO before, trimmed_at FROM monomesh_state s FOR UPDATE;
    at := before;
    IF trimmed_at < now() - interval '10 seconds' THEN
      DELETE FROM monomesh_changes c
        WHERE c.change <= before - greatest(kept, 1) AND c.made < now() - interval '${KEPT_FOR}';
      UPDATE monomesh_state SET trimmed = now();
    END IF;
    FOR asked IN SELECT value FROM jsonb_array_elements(batch) LOOP
      op := asked->>'op';
      k_type := asked->'key'->>0; k_mesh := asked->'key'->>1; k_name := asked->'key'->>2;

      IF asked ? 'fence' THEN
        SELECT e.epoch INTO present FROM monomesh_epochs e
          WHERE e.type = asked->'fence'->>0 AND e.mesh = asked->'fence'->>1 AND e.name = asked->'fence'->>2;
        present := coalesce(present, 0);
        IF present IS DISTINCT FROM (asked->'fence'->>3)::numeric THEN
          replies := replies || jsonb_build_object('no', 'fenced', 'actual', present);
          CONTINUE;
        END IF;
      END IF;

      IF op = 'advance' THEN
        INSERT INTO monomesh_epochs VALUES (k_type, k_mesh, k_name, present + 1)
          ON CONFLICT (type, mesh, name) DO UPDATE SET epoch = excluded.epoch;
        replies := replies || jsonb_build_object('epoch', present + 1);
        CONTINUE;
      END IF;

      SELECT r.* INTO have FROM monomesh_resources r
        WHERE r.type = k_type AND r.mesh = k_mesh AND r.name = k_name;
      stored := coalesce(have.version, 0);
      IF op = 'delete' AND have.id IS NULL THEN
        replies := replies || '{"no": "not-found"}'::jsonb;
        CONTINUE;
      END IF;
      IF asked ? 'expected' AND stored IS DISTINCT FROM (asked->>'expected')::numeric THEN
        replies := replies || jsonb_build_object('no', 'conflict', 'actual', stored);
        CONTINUE;
      END IF;

      IF op = 'delete' THEN
        WITH RECURSIVE doomed AS (
          SELECT have.id AS id, 0 AS depth
          UNION ALL
          SELECT r.id, d.depth + 1 FROM monomesh_resources r JOIN doomed d ON r.owner = d.id
        ), placed AS (
          SELECT d.id, row_number() OVER (ORDER BY d.depth DESC, d.id) AS place FROM doomed d
        ), gone AS (
          DELETE FROM monomesh_resources r USING doomed d WHERE r.id = d.id RETURNING r.*
        )
        INSERT INTO monomesh_changes
          SELECT at + p.place, 'delete', g.type, g.mesh, g.name, g.version, g.revision, g.created, g.modified,
            g.labels, g.spec, stamp
          FROM gone g JOIN placed p ON p.id = g.id;
        GET DIAGNOSTICS total = ROW_COUNT;
        replies := replies || jsonb_build_object('first', at + 1, 'last', at + total, 'version', have.version,
          'revision', have.revision, 'created', have.created, 'modified', have.modified, 'labels', have.labels,
          'spec', have.spec);
        at := at + total;
        CONTINUE;
      END IF;

      owner_id := have.owner;
      IF asked ? 'owner' THEN
        SELECT r.id INTO owner_id FROM monomesh_resources r
          WHERE r.type = asked->'owner'->>0 AND r.mesh = asked->'owner'->>1 AND r.name = asked->'owner'->>2;
        IF owner_id IS NULL THEN
          replies := replies || jsonb_build_object('no',
            CASE WHEN asked->'owner' = asked->'key' THEN 'owner-cycle' ELSE 'no-owner' END);
          CONTINUE;
        END IF;
        up := owner_id;
        WHILE up IS NOT NULL AND up IS DISTINCT FROM have.id LOOP
          SELECT r.owner INTO up FROM monomesh_resources r WHERE r.id = up;
        END LOOP;
        IF up IS NOT NULL THEN
          replies := replies || '{"no": "owner-cycle"}'::jsonb;
          CONTINUE;
        END IF;
      END IF;

      at := at + 1;
      born := coalesce(have.created, (asked->>'now')::bigint);
      IF have.id IS NULL THEN
        INSERT INTO monomesh_resources (type, mesh, name, owner, version, revision, created, modified, labels, spec)
          VALUES (k_type, k_mesh, k_name, owner_id, 1, at, born, (asked->>'now')::bigint,
            asked->>'labels', asked->>'spec');
      ELSE
        UPDATE monomesh_resources r SET owner = owner_id, version = stored + 1, revision = at,
            modified = (asked->>'now')::bigint, labels = asked->>'labels', spec = asked->>'spec'
          WHERE r.id = have.id;
      END IF;
      INSERT INTO monomesh_changes VALUES (at, 'put', k_type, k_mesh, k_name, stored + 1, at, born,
        (asked->>'now')::bigint, asked->>'labels', asked->>'spec', stamp);
      replies := replies || jsonb_build_object('version', stored + 1, 'revision', at, 'created', born);
    END LOOP;
    IF at > before THEN
      UPDATE monomesh_state SET revision = at;
      PERFORM pg_notify('${CHANNEL}', at::text);
    END IF;
    RETURN to_jsonb(replies);
  END
  $body$`;
}
