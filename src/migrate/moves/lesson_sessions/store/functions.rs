//! Functions that the mapping uses. They exist in one connection only.

use sqlx::PgConnection;

use crate::error::Result;

/// Text of type json may contain what its values cannot be read from, such as `\u0000`; the functions bear that.
pub(in crate::migrate::moves::lesson_sessions) const FUNCTIONS: &str = r#"
-- Compiling the expressions takes longer than it saves.
SET LOCAL jit = off;

CREATE OR REPLACE FUNCTION pg_temp.json_of(value text) RETURNS json LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    RETURN CASE WHEN value <> '' THEN value::json END;
EXCEPTION WHEN others THEN
    RETURN to_json(value);
END $$;

CREATE OR REPLACE FUNCTION pg_temp.archived(value json) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    RETURN value::jsonb;
EXCEPTION WHEN others THEN
    RETURN to_jsonb(value::text);
END $$;

CREATE OR REPLACE FUNCTION pg_temp.text_at(list json, place integer) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN CASE WHEN json_typeof(list) = 'array' THEN list ->> place ELSE NULL END;
EXCEPTION WHEN others THEN
    RETURN (list -> place)::text;
END $$;

CREATE OR REPLACE FUNCTION pg_temp.only_list(value json) RETURNS json LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    RETURN (SELECT CASE WHEN count(*) = 1 THEN pg_temp.readable_list((array_agg(v.value))[1]) ELSE '[]' END
            FROM json_each(value) AS v WHERE json_typeof(v.value) = 'array');
EXCEPTION WHEN others THEN
    RETURN '[]';
END $$;

-- A list that programs can read.
CREATE OR REPLACE FUNCTION pg_temp.readable_list(value json) RETURNS json LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    RETURN CASE WHEN value::jsonb IS NOT NULL THEN value END;
EXCEPTION WHEN others THEN
    RETURN '[]';
END $$;

CREATE OR REPLACE FUNCTION pg_temp.is_only_list(value json) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    RETURN (SELECT count(*) = 1 AND bool_and(json_typeof(v.value) = 'array') FROM json_each(value) AS v);
EXCEPTION WHEN others THEN
    RETURN false;
END $$;

CREATE OR REPLACE FUNCTION pg_temp.known_pattern(value json) RETURNS json LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    known json;
    foreign_parts bigint;
BEGIN
    IF json_typeof(value) <> 'object' THEN
        RETURN NULL;
    END IF;
    SELECT json_object_agg(v.key, v.value) FILTER (WHERE is_known), count(*) FILTER (WHERE NOT is_known)
    INTO known, foreign_parts
    FROM json_each(value) AS v,
         LATERAL (SELECT v.key IN ('days', 'months', 'specific_dates')
                         AND json_typeof(v.value) IN ('array', 'null')) AS k (is_known);
    RETURN CASE WHEN foreign_parts = 0 THEN value ELSE known END;
EXCEPTION WHEN others THEN
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION pg_temp.series(value json) RETURNS TABLE (frequency text, occurrences integer)
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN QUERY SELECT nullif(value ->> 'frequency', ''),
        CASE WHEN value ->> 'count' ~ '^[0-9]{1,9}$' THEN (value ->> 'count')::integer END;
EXCEPTION WHEN others THEN
    RETURN;
END $$;

CREATE OR REPLACE FUNCTION pg_temp.distance(a text, b text) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    row_before integer[] := array(SELECT generate_series(0, length(b)));
    this_row integer[];
BEGIN
    FOR i IN 1 .. length(a) LOOP
        this_row := ARRAY[i];
        FOR j IN 1 .. length(b) LOOP
            this_row[j + 1] := least(row_before[j + 1] + 1, this_row[j] + 1,
                                     row_before[j] + (substr(a, i, 1) <> substr(b, j, 1))::integer);
        END LOOP;
        row_before := this_row;
    END LOOP;
    RETURN row_before[length(b) + 1];
END $$;

-- The known word that a value means. A value that means none stays as it is, unless it is too long for its column: then
-- it becomes the word that is nearest to it.
CREATE OR REPLACE FUNCTION pg_temp.nearest_word(value text, words text[], width integer) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    plain CONSTANT text := lower(regexp_replace(btrim(value, E' \t\r\n'), '[\s_-]+', '-', 'g'));
    word text;
    nearest text;
    away integer;
BEGIN
    IF plain = '' THEN
        RETURN words[1];
    END IF;
    IF plain = ANY (words) THEN
        RETURN plain;
    END IF;
    IF length(value) > width THEN
        SELECT w INTO nearest FROM unnest(words) AS w WHERE strpos(plain, w) > 0
        ORDER BY strpos(plain, w), length(w) DESC LIMIT 1;
        IF nearest IS NOT NULL THEN
            RETURN nearest;
        END IF;
    ELSIF length(plain) > 30 THEN
        RETURN value;
    END IF;
    FOREACH word IN ARRAY words LOOP
        IF away IS NULL OR pg_temp.distance(left(plain, 30), word) < away THEN
            nearest := word;
            away := pg_temp.distance(left(plain, 30), word);
        END IF;
    END LOOP;
    RETURN CASE WHEN length(value) > width OR away <= 1 THEN nearest ELSE value END;
END $$;
"#;

/// Creates the functions that a mapping uses, unless this connection has them.
pub(in crate::migrate::moves::lesson_sessions) async fn create_functions(db: &mut PgConnection) -> Result<()> {
    // The last of them: transactions that were taken back have left none.
    let sql = "SELECT to_regprocedure('pg_temp.nearest_word(text, text[], integer)') IS NOT NULL
               FROM (SELECT set_config('jit', 'off', true)) AS t";
    if !sqlx::query_scalar::<_, bool>(sql).fetch_one(&mut *db).await? {
        sqlx::raw_sql(FUNCTIONS).execute(db).await?;
    }
    Ok(())
}
