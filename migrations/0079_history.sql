-- Who changed what, when and through which interface: every change of the provider's tables is a row of lectern.history.
-- One trigger function serves all tables. It runs once for a statement and writes its rows with one insertion.
-- older binaries: yes

CREATE TABLE lectern.history (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
    table_name text NOT NULL,
    row_key text NOT NULL,
    event_id bigint,
    session_id bigint,
    action text NOT NULL CHECK (action IN ('insert', 'update', 'delete', 'truncate')),
    old jsonb,
    new jsonb,
    actor text NOT NULL,
    interface text NOT NULL,
    run_id bigint,
    note text
);
COMMENT ON TABLE lectern.history IS 'Changes of the provider''s tables, with the values before and after.';
COMMENT ON COLUMN lectern.history.id IS 'Number of the change, ascending within a row''s changes.';
COMMENT ON COLUMN lectern.history.at IS 'When the statement was executed.';
COMMENT ON COLUMN lectern.history.transaction IS 'The transaction: changes with the same one were made together.';
COMMENT ON COLUMN lectern.history.table_name IS 'The table with its schema.';
COMMENT ON COLUMN lectern.history.row_key IS 'Key of the row; several columns are separated by commas. Empty: all rows (truncate).';
COMMENT ON COLUMN lectern.history.event_id IS 'The event that the row belongs to; null: none, or a link of a session.';
COMMENT ON COLUMN lectern.history.session_id IS 'The session that the row belongs to, for links with instructors and details; else null.';
COMMENT ON COLUMN lectern.history.action IS 'insert, update, delete or truncate.';
COMMENT ON COLUMN lectern.history.old IS 'Values before: the changed columns of an update, all of a deletion; null for an insertion.';
COMMENT ON COLUMN lectern.history.new IS 'Values after: the changed columns of an update, all of an insertion; null for a deletion.';
COMMENT ON COLUMN lectern.history.actor IS 'Name of the token, user or program; the role of the database where no program says it.';
COMMENT ON COLUMN lectern.history.interface IS 'http, cli, import, sync, or sql for any other program.';
COMMENT ON COLUMN lectern.history.run_id IS 'The import or sync; null: none. The run may be deleted.';
COMMENT ON COLUMN lectern.history.note IS 'What the change was allowed to do, such as a clash; null: nothing special.';
CREATE INDEX history_event_idx ON lectern.history (event_id, id) WHERE event_id IS NOT NULL;
CREATE INDEX history_session_idx ON lectern.history (session_id, id) WHERE session_id IS NOT NULL;
CREATE INDEX history_row_idx ON lectern.history (table_name, row_key, id);
CREATE INDEX history_at_idx ON lectern.history USING brin (at);

-- Returns the key of a row with several key columns.
CREATE FUNCTION lectern.history_key(r jsonb, keys text[]) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT string_agg(r->>k, ',' ORDER BY place) FROM unnest(keys) WITH ORDINALITY AS u (k, place)
$$;

-- With the owner's rights: programs that write to acted.* need none in schema lectern. Arguments: the columns of the key,
-- and the columns with the id of the event and of the session; an empty one: none.
CREATE FUNCTION lectern.record_history() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    keys CONSTANT text[] := string_to_array(TG_ARGV[0], ',');
    -- A function call for each row would be slow.
    single_key CONSTANT text := CASE WHEN cardinality(keys) = 1 THEN keys[1] END;
    event_column CONSTANT text := TG_ARGV[1];
    session_column CONSTANT text := TG_ARGV[2];
    source CONSTANT text := TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME;
    who CONSTANT text := coalesce(nullif(current_setting('lectern.actor', true), ''),
                                  nullif(current_setting('role', true), 'none'), session_user);
    through CONSTANT text := coalesce(nullif(current_setting('lectern.interface', true), ''), 'sql');
    run CONSTANT bigint := nullif(current_setting('lectern.run', true), '')::bigint;
    remark CONSTANT text := nullif(current_setting('lectern.note', true), '');
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO lectern.history
               (table_name, row_key, event_id, session_id, action, new, actor, interface, run_id, note)
        SELECT source, coalesce(r->>single_key, lectern.history_key(r, keys)), (r->>event_column)::bigint,
               (r->>session_column)::bigint, 'insert', r, who, through, run, remark
        FROM (SELECT to_jsonb(n) AS r FROM new_rows AS n) AS written;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO lectern.history
               (table_name, row_key, event_id, session_id, action, old, actor, interface, run_id, note)
        SELECT source, coalesce(r->>single_key, lectern.history_key(r, keys)), (r->>event_column)::bigint,
               (r->>session_column)::bigint, 'delete', r, who, through, run, remark
        FROM (SELECT to_jsonb(o) AS r FROM old_rows AS o) AS deleted;
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO lectern.history
               (table_name, row_key, event_id, session_id, action, old, new, actor, interface, run_id, note)
        WITH before AS MATERIALIZED (
                 SELECT coalesce(r->>single_key, lectern.history_key(r, keys)) AS key, r
                 FROM (SELECT to_jsonb(o) AS r FROM old_rows AS o) AS o),
             after AS MATERIALIZED (
                 SELECT coalesce(r->>single_key, lectern.history_key(r, keys)) AS key, r
                 FROM (SELECT to_jsonb(n) AS r FROM new_rows AS n) AS n),
             pairs AS (
                 SELECT coalesce(after.key, before.key) AS key, before.r AS was, after.r AS is_now
                 FROM before FULL JOIN after ON after.key = before.key WHERE before.r IS DISTINCT FROM after.r),
             -- A new key is the end of one row and the beginning of another.
             changes AS (
                 SELECT key, was AS whole_before, coalesce(is_now, was) AS whole,
                        CASE WHEN is_now IS NULL THEN 'delete' WHEN was IS NULL THEN 'insert' ELSE 'update' END AS action,
                        CASE WHEN is_now IS NULL OR was IS NULL THEN was
                             ELSE (SELECT jsonb_object_agg(c.key, c.value) FROM jsonb_each(was) AS c
                                   WHERE c.value IS DISTINCT FROM is_now->c.key) END AS values_before,
                        CASE WHEN is_now IS NULL OR was IS NULL THEN is_now
                             ELSE (SELECT jsonb_object_agg(c.key, c.value) FROM jsonb_each(is_now) AS c
                                   WHERE c.value IS DISTINCT FROM was->c.key) END AS values_after
                 FROM pairs)
        SELECT source, key, event, (whole->>session_column)::bigint, action, values_before, values_after, who, through,
               run, remark
        FROM changes
             -- A row that moves to another event is a change of both.
             CROSS JOIN LATERAL (
                 SELECT DISTINCT event FROM (VALUES ((whole->>event_column)::bigint),
                                                    ((whole_before->>event_column)::bigint)) AS of (event)
                 WHERE event IS NOT NULL OR whole->>event_column IS NULL) AS events
        WHERE action <> 'update' OR values_after - ARRAY['updated_at', 'modified_date'] <> '{}';
    ELSE
        INSERT INTO lectern.history (table_name, row_key, action, actor, interface, run_id, note)
        VALUES (source, '', 'truncate', who, through, run, remark);
    END IF;
    RETURN NULL;
END $$;

-- Attaches the triggers to a table. Each has the rows of its statement, therefore there is one for each kind of statement.
CREATE FUNCTION lectern.watch_history(t text, keys text, event_column text DEFAULT '', session_column text DEFAULT '')
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    what text;
    rows text;
BEGIN
    FOR what, rows IN VALUES ('INSERT', 'REFERENCING NEW TABLE AS new_rows'), ('DELETE', 'REFERENCING OLD TABLE AS old_rows'),
                             ('UPDATE', 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows'), ('TRUNCATE', '') LOOP
        EXECUTE format('DROP TRIGGER IF EXISTS %I ON %s', 'lectern_history_' || lower(what), t);
        EXECUTE format('CREATE TRIGGER %I AFTER %s ON %s %s FOR EACH STATEMENT
                        EXECUTE FUNCTION lectern.record_history(%L, %L, %L)',
                       'lectern_history_' || lower(what), what, t, rows, keys, event_column, session_column);
    END LOOP;
END $$;

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY[
        'acted.catalog_subjects', 'acted.catalog_exam_sessions', 'acted.catalog_exam_session_subjects',
        'acted.catalog_products', 'acted.catalog_product_variations', 'acted.catalog_product_product_variations',
        'acted.product_productvariation_recommendations', 'acted.catalog_product_bundles',
        'acted.catalog_product_bundle_products', 'acted.products', 'acted.prices', 'acted.bundles',
        'acted.bundle_products', 'acted.filter_groups', 'acted.filter_product_product_groups',
        'acted.filter_configurations', 'acted.filter_configuration_groups', 'acted.staff',
        'acted.tutorial_course_templates', 'acted.tutorial_locations', 'acted.tutorial_venues',
        'acted.tutorial_instructors', 'adm.locations', 'adm.venues', 'adm.instructors', 'adm.course_templates',
        'lectern.product_mappings'
    ] LOOP
        PERFORM lectern.watch_history(t, 'id');
    END LOOP;
    PERFORM lectern.watch_history('acted.tutorial_events', 'id', 'id');
    PERFORM lectern.watch_history('acted.tutorial_sessions', 'id', 'tutorial_event_id');
    PERFORM lectern.watch_history('acted.tutorial_session_instructors', 'id', '', 'tutorialsessions_id');
    PERFORM lectern.watch_history('lectern.event_details', 'tutorial_event_id', 'tutorial_event_id');
    PERFORM lectern.watch_history('lectern.event_staff', 'tutorial_event_id,role,position', 'tutorial_event_id');
    PERFORM lectern.watch_history('lectern.session_details', 'tutorial_session_id', '', 'tutorial_session_id');
END $$;
