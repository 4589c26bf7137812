-- A cheaper log of changes: it is counted itself. Until now each transaction stored a row more, to be counted, and finding
-- that it was there already took longer than the log. The catalogue version is the number of logged changes now.
-- A change of one row is compared and logged by one statement; one of an event without documents of its rows.
-- Older programs cannot run beside it: they count the rows that are no longer stored.
-- older binaries: from 0.2

-- No writer may be between the old function and the table that is dropped.
DO $$
DECLARE
    t regclass;
BEGIN
    FOR t IN SELECT DISTINCT tgrelid::regclass FROM pg_trigger WHERE tgfoid = 'lectern.search_changed'::regproc ORDER BY 1 LOOP
        EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', t);
    END LOOP;
END $$;

-- With the owner's rights: programs that write to acted.* need none in schema lectern. Arguments, each with commas: kinds of
-- records, the columns with their ids, columns that search does not show, and, instead of those, the columns that it shows.
CREATE OR REPLACE FUNCTION lectern.search_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    stored bigint := 0;
    stored_for_kind bigint;
    kind text;
    key text;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF TG_ARGV[0] = 'event,store_product' THEN
            -- Each booking writes an event: its columns are read by name, and rows are compared without documents. A database
            -- that is not adopted has no product_id: the name then means the null beside the rows.
            INSERT INTO lectern.search_changes (what, ids)
            SELECT changed.what, changed.ids
            FROM (SELECT o.* FROM (SELECT NULL::bigint AS product_id) AS absent,
                                  LATERAL (SELECT o.id, product_id, o AS record FROM old_rows AS o) AS o) AS before,
                 (SELECT n.* FROM (SELECT NULL::bigint AS product_id) AS absent,
                                  LATERAL (SELECT n.id, product_id, n AS record FROM new_rows AS n) AS n) AS after,
                 LATERAL (VALUES ('event', CASE WHEN before.id = after.id THEN ARRAY[after.id]
                                                ELSE ARRAY[before.id, after.id] END::bigint[]),
                                 ('store_product', CASE WHEN before.product_id <> after.product_id
                                                        THEN ARRAY[before.product_id, after.product_id] END::bigint[]))
                 AS changed (what, ids)
            WHERE (SELECT count(*) FROM old_rows) = 1 AND changed.ids IS NOT NULL
              AND jsonb_populate_record(before.record, '{"created_at": null, "updated_at": null}')
                  *<> jsonb_populate_record(after.record, '{"created_at": null, "updated_at": null}');
        ELSE
            -- The record itself if the row differs. Another one if the reference to it does: one that is still referred to is
            -- found by the first.
            INSERT INTO lectern.search_changes (what, ids)
            SELECT k.kind, CASE WHEN id.before = id.after THEN ARRAY[id.after]
                                ELSE array_remove(ARRAY[id.before, id.after], NULL) END::bigint[]
            FROM (SELECT to_jsonb(o) AS before, to_jsonb(n) AS after FROM old_rows AS o, new_rows AS n
                  WHERE (SELECT count(*) FROM old_rows) = 1 OFFSET 0) AS r,
                 unnest(string_to_array(TG_ARGV[0], ','), string_to_array(TG_ARGV[1], ','))
                 WITH ORDINALITY AS k (kind, key, number),
                 LATERAL (SELECT r.before->>k.key, r.after->>k.key OFFSET 0) AS id (before, after)
            WHERE CASE WHEN TG_ARGV[3] = ''
                       THEN r.before - string_to_array(TG_ARGV[2], ',') <> r.after - string_to_array(TG_ARGV[2], ',')
                       ELSE EXISTS (SELECT FROM unnest(string_to_array(TG_ARGV[3], ',')) AS c
                                    WHERE r.before->c IS DISTINCT FROM r.after->c) END
              AND (k.number = 1 OR id.before IS DISTINCT FROM id.after);
        END IF;
        IF NOT FOUND THEN
            IF (SELECT count(*) < 2 FROM old_rows) THEN
                RETURN NULL;
            END IF;
            INSERT INTO lectern.search_changes (what, ids)
            WITH before AS MATERIALIZED (
                     SELECT CASE WHEN TG_ARGV[3] = '' THEN r - string_to_array(TG_ARGV[2], ',')
                                 ELSE (SELECT jsonb_object_agg(c.key, c.value) FROM jsonb_each(r) AS c
                                       WHERE c.key = ANY (string_to_array(TG_ARGV[3], ','))) END AS r
                     FROM (SELECT to_jsonb(o) AS r FROM old_rows AS o) AS o),
                 after AS MATERIALIZED (
                     SELECT CASE WHEN TG_ARGV[3] = '' THEN r - string_to_array(TG_ARGV[2], ',')
                                 ELSE (SELECT jsonb_object_agg(c.key, c.value) FROM jsonb_each(r) AS c
                                       WHERE c.key = ANY (string_to_array(TG_ARGV[3], ','))) END AS r
                     FROM (SELECT to_jsonb(n) AS r FROM new_rows AS n) AS n),
                 -- Both versions of each row that differs, because a changed reference concerns both records.
                 changed AS ((TABLE before EXCEPT ALL TABLE after) UNION ALL (TABLE after EXCEPT ALL TABLE before))
            SELECT k.kind, coalesce(array_agg(DISTINCT (r->>k.key)::bigint) FILTER (WHERE r->>k.key IS NOT NULL), '{}')
            FROM changed
            CROSS JOIN unnest(string_to_array(TG_ARGV[0], ','), string_to_array(TG_ARGV[1], ',')) AS k (kind, key)
            GROUP BY k.kind;
            IF NOT FOUND THEN
                RETURN NULL;
            END IF;
        END IF;
    ELSIF TG_OP = 'TRUNCATE' THEN
        INSERT INTO lectern.search_changes (what, ids) VALUES ('everything', '{}');
    ELSE
        -- Only the keys are read: a document of each row would cost as much as writing the row.
        -- A column that an older database does not have yet names no records.
        FOR kind, key IN
            SELECT k.kind, quote_ident(attname)
            FROM unnest(string_to_array(TG_ARGV[0], ','), string_to_array(TG_ARGV[1], ',')) AS k (kind, key)
            LEFT JOIN pg_attribute ON attrelid = TG_RELID AND attname = k.key AND attnum > 0 AND NOT attisdropped
        LOOP
            EXECUTE format('INSERT INTO lectern.search_changes (what, ids)
                            SELECT %L, coalesce(array_agg(DISTINCT %s) FILTER (WHERE %2$s IS NOT NULL), ''{}'')
                            FROM %s HAVING count(*) > 0',
                           kind, coalesce(key, 'NULL') || '::bigint',
                           CASE TG_OP WHEN 'INSERT' THEN 'new_rows' ELSE 'old_rows' END);
            GET DIAGNOSTICS stored_for_kind = ROW_COUNT;
            stored := stored + stored_for_kind;
        END LOOP;
        IF stored = 0 THEN
            RETURN NULL;
        END IF;
    END IF;
    -- The lock is free when no reader sleeps, and exclusive while another writer tries it. It has to be tried after the change
    -- is stored: a reader that goes to sleep waits for the transactions that had begun to write.
    IF (CASE WHEN pg_try_advisory_lock(1279480659, 1) THEN NOT pg_advisory_unlock(1279480659, 1)
             WHEN pg_try_advisory_lock_shared(1279480659, 1) THEN pg_advisory_unlock_shared(1279480659, 1)
             ELSE false END) THEN
        PERFORM pg_notify('lectern_catalogue', '');
    END IF;
    RETURN NULL;
END $$;

-- Logs that anything may have changed: of tables whose triggers were switched off, or that another server replicates.
CREATE OR REPLACE FUNCTION lectern.everything_changed() RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO lectern.search_changes (what, ids) VALUES ('everything', '{}');
    SELECT pg_notify('lectern_catalogue', '');
$$;

-- Changes are found by their transaction; a number of their own cost each writer a second key in the index.
ALTER TABLE lectern.search_changes DROP COLUMN id;
CREATE INDEX search_changes_transaction_idx ON lectern.search_changes (transaction);

UPDATE lectern.catalogue_version SET folded = folded + (SELECT count(*) FROM lectern.catalogue_changes) WHERE only_row;
DROP TABLE lectern.catalogue_changes;

COMMENT ON TABLE lectern.catalogue_version IS
    'Which changes of the catalogue are no longer in the log (one row). The catalogue version is the number of all changes.';
COMMENT ON COLUMN lectern.catalogue_version.folded IS 'Number of changes that were deleted from lectern.search_changes.';
