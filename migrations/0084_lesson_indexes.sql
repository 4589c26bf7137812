-- Indexes of the list of lessons, and the words of its search.
-- older binaries: yes

-- The text of a list of topics, in which search looks. Programs may have written letters as \uXXXX; those that jsonb cannot
-- hold stay as they are.
CREATE FUNCTION lectern.lesson_text(topics text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN strpos(topics, '\u') = 0 OR topics ~ '\\u(0000|[dD][89a-fA-F])' THEN topics
                ELSE topics::jsonb::text END
$$;

-- Its words. Punctuation separates words, so that a part of a path or of a word with hyphens is found.
CREATE FUNCTION lectern.lesson_words(topics text, covered text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT to_tsvector('simple'::regconfig,
        translate(left(coalesce(lectern.lesson_text(topics), '') || ' ' || coalesce(lectern.lesson_text(covered), ''), 100000),
                  '"[]{}(),.;:/\_-+*%#@!?&=<>|''`~^$', repeat(' ', 32)))
$$;

-- The indexes that a table of lesson sessions has beside its five.
CREATE FUNCTION lectern.further_lesson_indexes() RETURNS TABLE (name text, definition text) LANGUAGE sql IMMUTABLE AS $$
    VALUES
        ('lectern_sessions_time_idx', '(session_date, start_time, id)'),
        ('lectern_sessions_status_idx', '(status, session_date, start_time, id)'),
        ('lectern_sessions_enrolment_idx', '(course_enrollment_id, session_date, start_time, id)'),
        ('lectern_sessions_featured_idx', '(session_date, start_time, id) WHERE is_featured'),
        ('lectern_sessions_recurring_idx', '(session_date, start_time, id) WHERE is_recurring'),
        ('lectern_sessions_words_idx', 'USING gin (lectern.lesson_words(topics::text, topics_covered::text))')
$$;

-- Only an empty table that Lectern has created: those of others are created at the end of a migration, while programs go on
-- writing.
DO $$
DECLARE
    i record;
    is_empty boolean;
BEGIN
    IF EXISTS (SELECT FROM pg_trigger WHERE tgrelid = to_regclass('public.sessions')
               AND tgname = 'lectern_touch_updated_at') THEN
        EXECUTE 'SELECT NOT EXISTS (SELECT FROM public.sessions)' INTO is_empty;
    END IF;
    IF is_empty THEN
        FOR i IN SELECT * FROM lectern.further_lesson_indexes() LOOP
            EXECUTE format('CREATE INDEX %I ON public.sessions %s', i.name, i.definition);
        END LOOP;
    END IF;
END $$;
