/** The channel that wakes the other control planes; what is sent on it is only a hint. */
export const CHANNEL = "monomesh_changes";

/** Changes are kept for this long even if there are more of them than must be, for control planes that were briefly away. */
const KEPT_FOR = "1 minute";

/** The SQLSTATE by which a joint write that is refused takes itself back. */
const REFUSED = "MM000";

/**
 * `monomesh_apply` does one write after revision `at`, or says why not; each is checked before it changes anything, so a
 * refused one needs no savepoint. Only a joint one has one, as its first parts may be done when a later one is refused.
 *
 * `monomesh_write` applies a batch in one round trip and one commit. Replies are in the order of the batch; see
 * `write-batch.ts` for both forms. `stamp` marks the changes of this batch: after a failover a control plane sees by it
 * whether the database still has what it was told.
 */
export const WRITE_FUNCTIONS = `
  CREATE OR REPLACE FUNCTION monomesh_apply(asked jsonb, at bigint, stamp bigint) RETURNS jsonb LANGUAGE plpgsql AS $body$
  DECLARE
    op text := asked->>'op';
    k_type text := asked->'key'->>0;
    k_mesh text := asked->'key'->>1;
    k_name text := asked->'key'->>2;
    have record;
    stored bigint;
    present bigint;
    owner_id bigint;
    up bigint;
    born bigint;
    total bigint;
    reply jsonb;
    replies jsonb[] := '{}';
  BEGIN
    IF op = 'all' THEN
      BEGIN
        FOR asked IN SELECT value FROM jsonb_array_elements(asked->'parts') LOOP
          reply := monomesh_apply(asked, at, stamp);
          IF reply ? 'no' THEN
            RAISE EXCEPTION USING ERRCODE = '${REFUSED}';
          END IF;
          at := coalesce((reply->>'revision')::bigint, at);
          replies := replies || reply;
        END LOOP;
        RETURN jsonb_build_object('all', to_jsonb(replies), 'last', at);
      EXCEPTION WHEN SQLSTATE '${REFUSED}' THEN
        RETURN reply || jsonb_build_object('part', cardinality(replies));
      END;
    END IF;

    IF asked ? 'fence' THEN
      SELECT e.epoch INTO present FROM monomesh_epochs e
        WHERE e.type = asked->'fence'->>0 AND e.mesh = asked->'fence'->>1 AND e.name = asked->'fence'->>2;
      present := coalesce(present, 0);
      IF present IS DISTINCT FROM (asked->'fence'->>3)::numeric THEN
        RETURN jsonb_build_object('no', 'fenced', 'actual', present);
      END IF;
    END IF;

    IF op = 'advance' THEN
      INSERT INTO monomesh_epochs VALUES (k_type, k_mesh, k_name, present + 1)
        ON CONFLICT (type, mesh, name) DO UPDATE SET epoch = excluded.epoch;
      RETURN jsonb_build_object('epoch', present + 1);
    END IF;

    SELECT r.* INTO have FROM monomesh_resources r
      WHERE r.type = k_type AND r.mesh = k_mesh AND r.name = k_name;
    stored := coalesce(have.version, 0);
    IF op = 'delete' AND have.id IS NULL THEN
      RETURN '{"no": "not-found"}'::jsonb;
    END IF;
    IF asked ? 'expected' AND stored IS DISTINCT FROM (asked->>'expected')::numeric THEN
      RETURN jsonb_build_object('no', 'conflict', 'actual', stored);
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
      RETURN jsonb_build_object('first', at + 1, 'last', at + total, 'version', have.version,
        'revision', have.revision, 'created', have.created, 'modified', have.modified, 'labels', have.labels,
        'spec', have.spec);
    END IF;

    owner_id := have.owner;
    IF asked ? 'owner' THEN
      SELECT r.id INTO owner_id FROM monomesh_resources r
        WHERE r.type = asked->'owner'->>0 AND r.mesh = asked->'owner'->>1 AND r.name = asked->'owner'->>2;
      IF owner_id IS NULL THEN
        RETURN jsonb_build_object('no',
          CASE WHEN asked->'owner' = asked->'key' THEN 'owner-cycle' ELSE 'no-owner' END);
      END IF;
      up := owner_id;
      WHILE up IS NOT NULL AND up IS DISTINCT FROM have.id LOOP
        SELECT r.owner INTO up FROM monomesh_resources r WHERE r.id = up;
      END LOOP;
      IF up IS NOT NULL THEN
        RETURN '{"no": "owner-cycle"}'::jsonb;
      END IF;
    END IF;

    IF op = 'own' THEN
      UPDATE monomesh_resources r SET owner = owner_id WHERE r.id = have.id;
      RETURN '{}'::jsonb;
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
    RETURN jsonb_build_object('version', stored + 1, 'revision', at, 'created', born);
  END
  $body$;

  CREATE OR REPLACE FUNCTION monomesh_write(batch jsonb, kept bigint, stamp bigint) RETURNS jsonb LANGUAGE plpgsql AS $body$
  DECLARE
    before bigint;
    at bigint;
    trimmed_at timestamptz;
    replies jsonb[] := '{}';
    asked jsonb;
    reply jsonb;
  BEGIN
    SELECT s.revision, s.trimmed INTO before, trimmed_at FROM monomesh_state s FOR UPDATE;
    at := before;
    IF trimmed_at < now() - interval '10 seconds' THEN
      DELETE FROM monomesh_changes c
        WHERE c.change <= before - greatest(kept, 1) AND c.made < now() - interval '${KEPT_FOR}';
      UPDATE monomesh_state SET trimmed = now();
    END IF;
    FOR asked IN SELECT value FROM jsonb_array_elements(batch) LOOP
      reply := monomesh_apply(asked, at, stamp);
      -- A delete has the revision of what it deleted beside the last of its own.
      at := coalesce((reply->>'last')::bigint, (reply->>'revision')::bigint, at);
      replies := replies || reply;
    END LOOP;
    IF at > before THEN
      UPDATE monomesh_state SET revision = at;
      PERFORM pg_notify('${CHANNEL}', at::text);
    END IF;
    RETURN to_jsonb(replies);
  END
  $body$;
`;
