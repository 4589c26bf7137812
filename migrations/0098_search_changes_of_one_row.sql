-- A faster log of changes for statements that change one row, as most do: its two versions are compared without the plan
-- for sets of rows.
-- older binaries: yes

-- With the owner's rights: programs that write to acted.* need none in schema lectern. Arguments, each with commas: kinds of
-- records, the columns with their ids, columns that search does not show, and, instead of those, the columns that it shows.
CREATE OR REPLACE FUNCTION lectern.search_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    kinds CONSTANT text[] := string_to_array(TG_ARGV[0], ',');
    keys CONSTANT text[] := string_to_array(TG_ARGV[1], ',');
    hidden CONSTANT text[] := string_to_array(TG_ARGV[2], ',');
    shown CONSTANT text[] := nullif(string_to_array(TG_ARGV[3], ','), '{}');
    stored bigint := 0;
    stored_for_kind bigint;
    kind text;
    key text;
    is_single boolean;
    was jsonb;
    becomes jsonb;
    is_same boolean;
    key_before bigint;
    key_after bigint;
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        INSERT INTO lectern.search_changes (what, ids) VALUES ('everything', '{}');
        stored := 1;
    ELSIF TG_OP IN ('INSERT', 'DELETE') THEN
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
    ELSE
        SELECT to_jsonb(o), (SELECT to_jsonb(n) FROM new_rows AS n LIMIT 1), (SELECT count(*) FROM old_rows) = 1
        INTO was, becomes, is_single FROM old_rows AS o LIMIT 1;
        IF was IS NULL THEN
            RETURN NULL;
        END IF;
    END IF;
    IF is_single THEN
        is_same := CASE WHEN shown IS NULL THEN was - hidden = becomes - hidden
                        ELSE NOT EXISTS (SELECT FROM unnest(shown) AS c WHERE was->c IS DISTINCT FROM becomes->c) END;
        FOR number IN 1 .. CASE WHEN is_same THEN 0 ELSE cardinality(kinds) END LOOP
            key_before := (was->>keys[number])::bigint;
            key_after := (becomes->>keys[number])::bigint;
            -- The first is the record itself. Another one that it still refers to is found by it.
            CONTINUE WHEN number > 1 AND key_before IS NOT DISTINCT FROM key_after;
            INSERT INTO lectern.search_changes (what, ids)
            VALUES (kinds[number], CASE WHEN key_before IS NOT DISTINCT FROM key_after THEN array_remove(ARRAY[key_after], NULL)
                                        ELSE array_remove(ARRAY[key_before, key_after], NULL) END);
            stored := stored + 1;
        END LOOP;
    ELSIF TG_OP = 'UPDATE' THEN
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
    IF stored = 0 THEN
        RETURN NULL;
    END IF;
    INSERT INTO lectern.catalogue_changes (transaction) VALUES (pg_current_xact_id()) ON CONFLICT DO NOTHING;
    -- The lock is free when no reader sleeps. It has to be tried after the change is stored: a reader that goes to sleep
    -- waits for the transactions that had begun to write.
    IF pg_try_advisory_lock(1279480659, 1) THEN
        PERFORM pg_advisory_unlock(1279480659, 1);
    ELSE
        PERFORM pg_notify('lectern_catalogue', '');
    END IF;
    RETURN NULL;
END $$;
