-- Which records of the catalogue a transaction has changed, so that search reads only the offers that they concern.
-- A trigger on each table stores the keys of the changed rows: one row of lectern.search_changes for a kind of record and
-- a statement. Which offers a venue or a person concerns is looked up by the process that reads the change.
-- A transaction that commits late has a lower number than others that were read before it. Readers therefore keep the
-- snapshot of their last look and read what that snapshot did not contain.
-- Notifications take a lock that all commits of the cluster share. A transaction notifies only while a reader sleeps; a
-- reader that is awake looks every few milliseconds. A sleeping reader holds the advisory lock (1279480659, 1).
-- An older program beside it may show a change some seconds later, when it looks for itself.
-- older binaries: yes

CREATE TABLE lectern.search_changes (
    transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
    id bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    what text NOT NULL,
    ids bigint[] NOT NULL,
    PRIMARY KEY (transaction, id)
);
COMMENT ON TABLE lectern.search_changes IS 'Records of the catalogue that transactions have changed, for search and /api/changes.';
COMMENT ON COLUMN lectern.search_changes.transaction IS 'Id of the transaction.';
COMMENT ON COLUMN lectern.search_changes.id IS 'Number of the change, ascending within a transaction.';
COMMENT ON COLUMN lectern.search_changes.at IS 'When the statement was executed.';
COMMENT ON COLUMN lectern.search_changes.what IS 'Kind of the records, such as event or venue; everything: any record may have changed.';
COMMENT ON COLUMN lectern.search_changes.ids IS 'Ids of the records; those before and after for a reference that was changed. Empty for everything.';

ALTER TABLE lectern.catalogue_version ADD COLUMN deleted_through xid8 NOT NULL DEFAULT '0';
COMMENT ON COLUMN lectern.catalogue_version.deleted_through IS
    'Highest transaction that was deleted from lectern.search_changes; who has not read it reads everything. 0: none.';

-- With the owner's rights: programs that write to acted.* need none in schema lectern. Arguments, each with commas: kinds of
-- records, the columns with their ids, columns that search does not show, and, instead of those, the columns that it shows.
CREATE FUNCTION lectern.search_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
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

-- Logs that anything may have changed: of tables whose triggers were switched off, or that another server replicates.
CREATE FUNCTION lectern.everything_changed() RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO lectern.search_changes (what, ids) VALUES ('everything', '{}');
    INSERT INTO lectern.catalogue_changes (transaction) VALUES (pg_current_xact_id()) ON CONFLICT DO NOTHING;
    SELECT pg_notify('lectern_catalogue', '');
$$;

-- Attaches the triggers to a table. They also fire for programs that have switched off triggers for themselves
-- (session_replication_role = replica).
CREATE FUNCTION lectern.watch_search(t text, kinds text, keys text DEFAULT '', hidden text DEFAULT '', shown text DEFAULT '')
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    what text;
    rows text;
BEGIN
    EXECUTE format('DROP TRIGGER IF EXISTS lectern_catalogue_changed ON %s', t);
    FOR what, rows IN VALUES ('INSERT', 'REFERENCING NEW TABLE AS new_rows'), ('DELETE', 'REFERENCING OLD TABLE AS old_rows'),
                             ('UPDATE', 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows'), ('TRUNCATE', '') LOOP
        EXECUTE format('DROP TRIGGER IF EXISTS %I ON %s', 'lectern_search_' || lower(what), t);
        EXECUTE format('CREATE TRIGGER %I AFTER %s ON %s %s FOR EACH STATEMENT
                        EXECUTE FUNCTION lectern.search_changed(%L, %L, %L, %L)',
                       'lectern_search_' || lower(what), what, t, rows, kinds, keys,
                       concat_ws(',', 'created_at,updated_at', nullif(hidden, '')), shown);
        EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', t, 'lectern_search_' || lower(what));
    END LOOP;
END $$;

SELECT lectern.watch_search(t, kinds, keys, hidden, shown) FROM (VALUES
    ('acted.catalog_subjects', 'subject', 'id', '', ''),
    ('acted.catalog_exam_sessions', 'exam_session', 'id', 'create_date,modified_date', ''),
    ('acted.catalog_exam_session_subjects', 'sitting', 'id', '', ''),
    ('acted.catalog_products', 'product', 'id', '', ''),
    ('acted.catalog_product_variations', 'variation', 'id', '', ''),
    ('acted.catalog_product_product_variations', 'product_variation', 'id', '', ''),
    ('acted.product_productvariation_recommendations', 'product_variation', 'product_product_variation_id', '', ''),
    -- A recommendation shows the store product of the same sitting, which may come or go.
    ('acted.products', 'store_product,sitting', 'id,exam_session_subject_id', '', ''),
    ('acted.prices', 'store_product', 'product_id', '', ''),
    ('acted.catalog_product_bundles', 'bundle_template', 'id', '', ''),
    ('acted.bundles', 'bundle', 'id', '', ''),
    ('acted.bundle_products', 'bundle', 'bundle_id', '', ''),
    ('acted.filter_groups', 'everything', '', '', ''),
    ('acted.filter_product_product_groups', 'everything', '', '', ''),
    ('acted.filter_configurations', 'everything', '', '', ''),
    ('acted.filter_configuration_groups', 'everything', '', '', ''),
    ('acted.tutorial_events', 'event,store_product', 'id,product_id', '', ''),
    ('acted.tutorial_sessions', 'event', 'tutorial_event_id', '', ''),
    ('acted.tutorial_session_instructors', 'session', 'tutorialsessions_id', '', ''),
    ('acted.tutorial_locations', 'location', 'id', '', ''),
    ('acted.tutorial_venues', 'venue', 'id', 'description', ''),
    ('acted.tutorial_instructors', 'instructor', 'id', '', ''),
    ('acted.staff', 'staff', 'id', '', ''),
    ('lectern.event_staff', 'event', 'tutorial_event_id', 'external_id', ''),
    ('lectern.event_details', 'event', 'tutorial_event_id', '', 'tutorial_event_id,cancelled,max_places,time_zone'),
    -- Of a user only the names are shown; signing in is no change of the catalogue.
    ('public.auth_user', 'user', 'id', '', 'id,first_name,last_name,username')
) AS watched (t, kinds, keys, hidden, shown);

DROP FUNCTION lectern.catalogue_changed();
