-- People and enrolments over HTTP: what is known of a profile beyond its table, holidays, and the history of enrolments.
-- older binaries: yes

-- No foreign keys: the tables of profiles may be found ones, whose keys are not known.
CREATE TABLE lectern.profile_details (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tutor_id integer UNIQUE,
    student_id integer UNIQUE,
    parent_id integer UNIQUE,
    is_active boolean NOT NULL DEFAULT true,
    CHECK (num_nonnulls(tutor_id, student_id, parent_id) = 1)
);
COMMENT ON TABLE lectern.profile_details IS 'What is known of a tutor, student or parent beyond the table of profiles.';
COMMENT ON COLUMN lectern.profile_details.id IS 'Number of the row.';
COMMENT ON COLUMN lectern.profile_details.tutor_id IS 'The tutor; an id of public.tutor_profiles. Null: another kind of person.';
COMMENT ON COLUMN lectern.profile_details.student_id IS 'The student; an id of public.student_profiles. Null: another kind of person.';
COMMENT ON COLUMN lectern.profile_details.parent_id IS 'The parent; an id of public.parent_profiles. Null: another kind of person.';
COMMENT ON COLUMN lectern.profile_details.is_active IS 'Whether the person still teaches, learns, or has children who do.';

CREATE TABLE lectern.holidays (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    date date NOT NULL,
    name text NOT NULL,
    scope text NOT NULL DEFAULT 'all' CHECK (scope IN ('all', 'tutor')),
    tutor_id integer,
    CONSTRAINT holidays_tutor_of_scope CHECK ((scope = 'tutor') = (tutor_id IS NOT NULL)),
    CONSTRAINT holidays_once UNIQUE NULLS NOT DISTINCT (date, tutor_id)
);
CREATE INDEX holidays_tutor_idx ON lectern.holidays (tutor_id) WHERE tutor_id IS NOT NULL;
COMMENT ON TABLE lectern.holidays IS 'Days without lessons. Series of lessons skip them or move to another day.';
COMMENT ON COLUMN lectern.holidays.id IS 'Number of the holiday.';
COMMENT ON COLUMN lectern.holidays.date IS 'The day without lessons.';
COMMENT ON COLUMN lectern.holidays.name IS 'What people call it.';
COMMENT ON COLUMN lectern.holidays.scope IS 'Whose holiday it is: all, or tutor.';
COMMENT ON COLUMN lectern.holidays.tutor_id IS 'The tutor; an id of public.tutor_profiles. Null: everyone.';
SELECT lectern.watch_history('lectern.holidays', 'id');

DO $$
DECLARE
    t text;
    known text;
BEGIN
    IF EXISTS (SELECT FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
               WHERE indrelid = to_regclass('public.tutor_profiles') AND indisprimary AND indnkeyatts = 1
                 AND attname = 'id' AND atttypid IN ('integer'::regtype, 'bigint'::regtype)) THEN
        ALTER TABLE lectern.holidays ADD CONSTRAINT holidays_tutor_id_fkey
            FOREIGN KEY (tutor_id) REFERENCES public.tutor_profiles (id) ON DELETE CASCADE;
    END IF;
    -- Tables that Lectern created, and found ones with the columns of lessons. Beside older tables of lessons the move
    -- lesson-sessions does it, and takes it away when it is undone.
    FOR t, known IN VALUES ('public.enrolled_students', 'student_id'), ('public.sessions', 'course_enrollment_id') LOOP
        IF EXISTS (SELECT FROM pg_trigger WHERE tgrelid = to_regclass(t) AND tgname = 'lectern_touch_updated_at')
           OR (to_regclass('public.tutor_sessions') IS NULL AND to_regclass('public.tutoring_sessions') IS NULL
               AND (SELECT count(*) = 2 FROM pg_attribute
                    WHERE attrelid = to_regclass(t) AND attname IN ('id', known) AND NOT attisdropped)
               AND (SELECT relkind = 'r' AND pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass(t))) THEN
            PERFORM lectern.watch_history(t, 'id');
        END IF;
    END LOOP;
END $$;

-- Parents and children are stored on both sides, and found rows may have one side only. In plpgsql, because found tables may
-- lack a column until their owner adds it.
CREATE FUNCTION lectern.children_of(of_parent bigint) RETURNS integer[] LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT coalesce(array_agg(DISTINCT child ORDER BY child), '{}') FROM (
        SELECT unnest(children_ids)::integer AS child FROM public.parent_profiles WHERE id = of_parent
        UNION ALL
        SELECT id FROM public.student_profiles WHERE of_parent::integer = ANY (parent_id)) AS children
    WHERE child IN (SELECT id FROM public.student_profiles));
END $$;

CREATE FUNCTION lectern.parents_of(of_child bigint) RETURNS integer[] LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT coalesce(array_agg(DISTINCT parent ORDER BY parent), '{}') FROM (
        SELECT unnest(parent_id)::integer AS parent FROM public.student_profiles WHERE id = of_child
        UNION ALL
        SELECT id FROM public.parent_profiles WHERE of_child::integer = ANY (children_ids)) AS parents
    WHERE parent IN (SELECT id FROM public.parent_profiles));
END $$;
