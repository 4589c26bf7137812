-- A cheaper log of changes: the record and the transaction of a change of one row are stored by one statement, and writers no
-- longer wake each other. Until now a writer that tried the lock of sleeping readers while another one did notified, as if a
-- reader slept; every notification waits for all others at its commit.
-- older binaries: yes

-- With the owner's rights: programs that write to acted.* need none in schema lectern. Arguments, each with commas: kinds of
-- records, the columns with their ids, columns that search does not show, and, instead of those, the columns that it shows.
CREATE OR REPLACE FUNCTION lectern.search_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    kinds CONSTANT text[] := string_to_array(TG_ARGV[0], ',');
    keys CONSTANT text[] := string_to_array(TG_ARGV[1], ',');
    hidden CONSTANT text[] := string_to_array(TG_ARGV[2], ',');
    shown text[];
    stored bigint := 0;
    stored_for_kind bigint;
    kind text;
    key text;
    rows bigint;
    was jsonb;
    becomes jsonb;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF TG_ARGV[3] <> '' THEN
            shown := string_to_array(TG_ARGV[3], ',');
        END IF;
        SELECT (SELECT count(*) FROM old_rows), to_jsonb(o), to_jsonb(n)
        INTO rows, was, becomes FROM old_rows AS o, new_rows AS n LIMIT 1;
        IF rows = 1 THEN
            IF (CASE WHEN shown IS NULL THEN was - hidden = becomes - hidden
                     ELSE NOT EXISTS (SELECT FROM unnest(shown) AS c WHERE was->c IS DISTINCT FROM becomes->c) END) THEN
                RETURN NULL;
            END IF;
            -- The record itself, and the transaction, in one statement: most changes need no other.
            WITH logged AS (
                INSERT INTO lectern.search_changes (what, ids)
                VALUES (kinds[1], array_remove(CASE WHEN was->keys[1] = becomes->keys[1] THEN ARRAY[(becomes->>keys[1])::bigint]
                                                    ELSE ARRAY[was->>keys[1], becomes->>keys[1]]::bigint[] END, NULL)))
            INSERT INTO lectern.catalogue_changes (transaction) VALUES (pg_current_xact_id()) ON CONFLICT DO NOTHING;
            -- Another record is named if the reference to it has changed. One that is still referred to is found by the first.
            FOR number IN 2 .. cardinality(kinds) LOOP
                CONTINUE WHEN was->keys[number] IS NOT DISTINCT FROM becomes->keys[number];
                INSERT INTO lectern.search_changes (what, ids)
                VALUES (kinds[number], array_remove(ARRAY[was->>keys[number], becomes->>keys[number]]::bigint[], NULL));
            END LOOP;
        ELSIF rows > 1 THEN
            INSERT INTO lectern.search_changes (what, ids)
            WITH before AS MATERIALIZED (
                     SELECT CASE WHEN shown IS NULL THEN r - hidden
                                 ELSE (SELECT jsonb_object_agg(c.key, c.value) FROM jsonb_each(r) AS c WHERE c.key = ANY (shown)) END AS r
                     FROM (SELECT to_jsonb(o) AS r FROM old_rows AS o) AS o),
                 after AS MATERIALIZED (
                     SELECT CASE WHEN shown IS NULL THEN r - hidden
                                 ELSE (SELECT jsonb_object_agg(c.key, c.value) FROM jsonb_each(r) AS c WHERE c.key = ANY (shown)) END AS r
                     FROM (SELECT to_jsonb(n) AS r FROM new_rows AS n) AS n),
                 -- Both versions of each row that differs, because a changed reference concerns both records.
                 changed AS ((TABLE before EXCEPT ALL TABLE after) UNION ALL (TABLE after EXCEPT ALL TABLE before))
            SELECT k.kind, coalesce(array_agg(DISTINCT (r->>k.key)::bigint) FILTER (WHERE r->>k.key IS NOT NULL), '{}')
            FROM changed CROSS JOIN unnest(kinds, keys) AS k (kind, key) GROUP BY k.kind;
            GET DIAGNOSTICS stored = ROW_COUNT;
        END IF;
    ELSIF TG_OP = 'TRUNCATE' THEN
        INSERT INTO lectern.search_changes (what, ids) VALUES ('everything', '{}');
        stored := 1;
    ELSE
        -- Only the keys are read: a document of each row would cost as much as writing the row.
        -- A column that an older database does not have yet names no records.
        FOR kind, key IN
            SELECT k.kind, quote_ident(attname) FROM unnest(kinds, keys) AS k (kind, key)
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
    END IF;
    IF stored > 0 THEN
        INSERT INTO lectern.catalogue_changes (transaction) VALUES (pg_current_xact_id()) ON CONFLICT DO NOTHING;
    ELSIF rows IS DISTINCT FROM 1 THEN
        RETURN NULL;
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
