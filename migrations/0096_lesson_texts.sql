-- The history bears every text of type json, and the index of words answers at once after lessons were written.
-- older binaries: yes

-- A text of type json as a document. What documents refuse, such as U+0000 or half a surrogate pair, becomes U+FFFD; great
-- numbers become null. In the text between: U+0001 is an escaped backslash, U+0002 and U+0003 begin the halves of a pair. JSON
-- has none of them unescaped.
CREATE FUNCTION lectern.document_of(value json) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    readable text;
BEGIN
    RETURN value::jsonb;
EXCEPTION WHEN others THEN
    readable := replace(value::text, '\\', chr(1));
    readable := regexp_replace(readable, '\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})',
                               chr(2) || '\1' || chr(3) || '\2', 'g');
    readable := regexp_replace(readable, '\\u(0000|[dD][89a-fA-F][0-9a-fA-F]{2})', '\\ufffd', 'g');
    readable := replace(replace(replace(readable, chr(2), '\u'), chr(3), '\u'), chr(1), '\\');
    BEGIN
        RETURN readable::jsonb;
    EXCEPTION WHEN others THEN
        RETURN regexp_replace(readable, '-?[0-9.]+[eE][+-]?[0-9]{5,}', 'null', 'g')::jsonb;
    END;
END $$;

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
    -- Only columns of type json have what documents may refuse.
    has_text CONSTANT boolean := EXISTS (SELECT FROM pg_attribute WHERE attrelid = TG_RELID AND attnum > 0
                                         AND atttypid IN ('json'::regtype, 'json[]'::regtype) AND NOT attisdropped);
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO lectern.history
               (table_name, row_key, event_id, session_id, action, new, actor, interface, run_id, note)
        SELECT source, coalesce(r->>single_key, lectern.history_key(r, keys)), (r->>event_column)::bigint,
               (r->>session_column)::bigint, 'insert', r, who, through, run, remark
        FROM (SELECT CASE WHEN has_text THEN lectern.document_of(row_to_json(n))
                          ELSE to_jsonb(n) END AS r FROM new_rows AS n OFFSET 0) AS written;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO lectern.history
               (table_name, row_key, event_id, session_id, action, old, actor, interface, run_id, note)
        SELECT source, coalesce(r->>single_key, lectern.history_key(r, keys)), (r->>event_column)::bigint,
               (r->>session_column)::bigint, 'delete', r, who, through, run, remark
        FROM (SELECT CASE WHEN has_text THEN lectern.document_of(row_to_json(o))
                          ELSE to_jsonb(o) END AS r FROM old_rows AS o OFFSET 0) AS deleted;
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO lectern.history
               (table_name, row_key, event_id, session_id, action, old, new, actor, interface, run_id, note)
        WITH before AS MATERIALIZED (
                 SELECT coalesce(r->>single_key, lectern.history_key(r, keys)) AS key, r
                 FROM (SELECT CASE WHEN has_text THEN lectern.document_of(row_to_json(o))
                                   ELSE to_jsonb(o) END AS r FROM old_rows AS o OFFSET 0) AS o),
             after AS MATERIALIZED (
                 SELECT coalesce(r->>single_key, lectern.history_key(r, keys)) AS key, r
                 FROM (SELECT CASE WHEN has_text THEN lectern.document_of(row_to_json(n))
                                   ELSE to_jsonb(n) END AS r FROM new_rows AS n OFFSET 0) AS n),
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

-- New rows wait in a list of the index until it is vacuumed, and each search reads all of the list. Lessons are written one by
-- one and searched often.
CREATE OR REPLACE FUNCTION lectern.further_lesson_indexes() RETURNS TABLE (name text, definition text) LANGUAGE sql IMMUTABLE AS $$
    VALUES
        ('lectern_sessions_time_idx', '(session_date, start_time, id)'),
        ('lectern_sessions_status_idx', '(status, session_date, start_time, id)'),
        ('lectern_sessions_enrolment_idx', '(course_enrollment_id, session_date, start_time, id)'),
        ('lectern_sessions_featured_idx', '(session_date, start_time, id) WHERE is_featured'),
        ('lectern_sessions_recurring_idx', '(session_date, start_time, id) WHERE is_recurring'),
        ('lectern_sessions_words_idx',
         'USING gin (lectern.lesson_words(topics::text, topics_covered::text)) WITH (fastupdate = off)')
$$;

DO $$
BEGIN
    IF (SELECT pg_has_role(relowner, 'USAGE') FROM pg_class
        WHERE oid = to_regclass('public.lectern_sessions_words_idx')) THEN
        ALTER INDEX public.lectern_sessions_words_idx SET (fastupdate = off);
        PERFORM gin_clean_pending_list('public.lectern_sessions_words_idx');
    END IF;
END $$;
