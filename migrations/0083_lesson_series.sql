-- Series of lessons: their end, exceptions and holidays, and the lessons that were made from them.
-- older binaries: yes

ALTER TABLE lectern.lesson_series
    ADD COLUMN until date,
    ADD COLUMN exceptions date[] NOT NULL DEFAULT '{}',
    ADD COLUMN holidays text NOT NULL DEFAULT 'ignore' CHECK (holidays IN ('skip', 'shift', 'ignore'));
COMMENT ON COLUMN lectern.lesson_series.until IS 'The last day of the rule; null: it has no last day.';
COMMENT ON COLUMN lectern.lesson_series.exceptions IS 'Days on which the series has no lesson.';
COMMENT ON COLUMN lectern.lesson_series.holidays IS 'What happens to a lesson on a holiday: skip, shift (to the next free day) or ignore.';
SELECT lectern.watch_history('lectern.lesson_series', 'session_id', '', '');

CREATE TABLE lectern.lesson_occurrences (
    session_id integer PRIMARY KEY,
    series_id integer NOT NULL,
    day date NOT NULL,
    written text,
    UNIQUE (series_id, day)
);
COMMENT ON TABLE lectern.lesson_occurrences IS 'Lessons that were made from a series: one for each of its days.';
COMMENT ON COLUMN lectern.lesson_occurrences.session_id IS 'The lesson; an id of public.sessions.';
COMMENT ON COLUMN lectern.lesson_occurrences.series_id IS 'The first lesson of the series; an id of public.sessions.';
COMMENT ON COLUMN lectern.lesson_occurrences.day IS 'The day of the series for which it was made; the lesson may have moved since.';

COMMENT ON COLUMN lectern.lesson_occurrences.written IS 'Hash of the lesson as it was made; another content, or null: a user has edited it.';

-- Packages are a table of other programs, which many databases lack.
CREATE FUNCTION lectern.package_name(package bigint) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    found text;
BEGIN
    IF package IS NULL OR to_regclass('public.tutor_packages') IS NULL THEN
        RETURN NULL;
    END IF;
    EXECUTE 'SELECT name::text FROM public.tutor_packages WHERE id = $1' INTO found USING package;
    RETURN found;
EXCEPTION WHEN undefined_column THEN
    RETURN NULL;
END $$;

-- Pictures are read for older front ends; a found table may lack them, or not show them.
CREATE FUNCTION lectern.picture_of(person bigint) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    found text;
BEGIN
    EXECUTE 'SELECT profile_picture::text FROM public.users WHERE id = $1' INTO found USING person;
    RETURN found;
EXCEPTION WHEN undefined_column OR insufficient_privilege THEN
    RETURN NULL;
END $$;

-- Reports whether a user has set the attendance of a lesson. A present without an entry of the history is the default of the column.
CREATE FUNCTION lectern.is_attendance_marked(lesson bigint, who text, stored text) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT stored IS NOT NULL AND (stored <> 'present' OR coalesce(
        (SELECT status IS NOT NULL FROM lectern.lesson_attendance
         WHERE session_id = lesson AND person = who ORDER BY id DESC LIMIT 1), false))
$$;
