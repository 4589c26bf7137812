-- A faster history: each row becomes a document once, not once for each use, and the index by row has only the rows that
-- are not found by their event or session.
-- older binaries: yes

DROP INDEX lectern.history_row_idx;
CREATE INDEX history_row_idx ON lectern.history (table_name, row_key, id) WHERE event_id IS NULL AND session_id IS NULL;

-- With the owner's rights: programs that write to acted.* need none in schema lectern. Arguments: the columns of the key,
-- and the columns with the id of the event and of the session; an empty one: none.
CREATE OR REPLACE FUNCTION lectern.record_history() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    keys CONSTANT text[] := string_to_array(TG_ARGV[0], ',');
    -- A function call for each row would be slow. OFFSET 0 below: otherwise each use of r would make the document again.
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
        FROM (SELECT to_jsonb(n) AS r FROM new_rows AS n OFFSET 0) AS written;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO lectern.history
               (table_name, row_key, event_id, session_id, action, old, actor, interface, run_id, note)
        SELECT source, coalesce(r->>single_key, lectern.history_key(r, keys)), (r->>event_column)::bigint,
               (r->>session_column)::bigint, 'delete', r, who, through, run, remark
        FROM (SELECT to_jsonb(o) AS r FROM old_rows AS o OFFSET 0) AS deleted;
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO lectern.history
               (table_name, row_key, event_id, session_id, action, old, new, actor, interface, run_id, note)
        WITH before AS MATERIALIZED (
                 SELECT coalesce(r->>single_key, lectern.history_key(r, keys)) AS key, r
                 FROM (SELECT to_jsonb(o) AS r FROM old_rows AS o OFFSET 0) AS o),
             after AS MATERIALIZED (
                 SELECT coalesce(r->>single_key, lectern.history_key(r, keys)) AS key, r
                 FROM (SELECT to_jsonb(n) AS r FROM new_rows AS n OFFSET 0) AS n),
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
