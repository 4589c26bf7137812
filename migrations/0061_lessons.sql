-- Lessons: people, enrolments and lesson sessions, and what is known of them beyond these tables.
-- Tables that exist are used as they are. Where older tables of lesson sessions exist, the move lesson-sessions creates
-- public.sessions from them.
-- older binaries: yes

SELECT set_config('lectern.found', coalesce(string_agg('public.' || relname, ' '), ''), true)
FROM pg_class WHERE relnamespace = 'public'::regnamespace
  AND relname IN ('users', 'tutor_profiles', 'student_profiles', 'parent_profiles', 'enrolled_students');

CREATE TABLE IF NOT EXISTS public.users (
    id serial PRIMARY KEY,
    first_name varchar(100) NOT NULL DEFAULT '',
    father_name varchar(100) NOT NULL DEFAULT '',
    grandfather_name varchar(100),
    last_name varchar(100),
    email varchar(254) UNIQUE,
    phone varchar(50),
    profile_picture varchar(500),
    roles json DEFAULT '[]',
    active_role varchar(50),
    created_at timestamp DEFAULT CURRENT_TIMESTAMP,
    updated_at timestamp DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE IF NOT EXISTS public.tutor_profiles (
    id serial PRIMARY KEY,
    user_id integer UNIQUE REFERENCES public.users ON DELETE CASCADE,
    username varchar(100),
    created_at timestamp DEFAULT CURRENT_TIMESTAMP,
    updated_at timestamp DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE IF NOT EXISTS public.student_profiles (
    id serial PRIMARY KEY,
    user_id integer UNIQUE REFERENCES public.users ON DELETE CASCADE,
    username varchar(100),
    grade_level varchar(50),
    parent_id integer[] DEFAULT '{}',
    created_at timestamp DEFAULT CURRENT_TIMESTAMP,
    updated_at timestamp DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE IF NOT EXISTS public.parent_profiles (
    id serial PRIMARY KEY,
    user_id integer UNIQUE REFERENCES public.users ON DELETE CASCADE,
    username varchar(100),
    children_ids integer[] DEFAULT '{}',
    created_at timestamp DEFAULT CURRENT_TIMESTAMP,
    updated_at timestamp DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE IF NOT EXISTS public.enrolled_students (
    id serial PRIMARY KEY,
    tutor_id integer NOT NULL REFERENCES public.tutor_profiles ON DELETE CASCADE,
    student_id integer NOT NULL REFERENCES public.student_profiles ON DELETE CASCADE,
    package_id integer,
    status varchar(20) DEFAULT 'active',
    enrolled_at timestamp DEFAULT CURRENT_TIMESTAMP,
    created_at timestamp DEFAULT CURRENT_TIMESTAMP,
    updated_at timestamp DEFAULT CURRENT_TIMESTAMP
);

CREATE FUNCTION pg_temp.complete(t text, about text, columns jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    usual CONSTANT jsonb := '{
        "id": "Key of the row; the database assigns it.",
        "user_id": "The person; an id of public.users.",
        "username": "Name in addresses; null if there is none.",
        "created_at": "When the row was inserted.",
        "updated_at": "When another column last changed; a trigger sets it."}';
    c text;
    d text;
BEGIN
    IF t = ANY (string_to_array(current_setting('lectern.found'), ' ')) THEN
        RETURN;
    END IF;
    EXECUTE format('COMMENT ON TABLE %s IS %L', t, about);
    FOR c, d IN SELECT key, value FROM jsonb_each_text(usual || columns) LOOP
        IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = t::regclass AND attname = c AND NOT attisdropped) THEN
            EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', t, c, d);
        END IF;
    END LOOP;
    PERFORM lectern.watch_updated_at(t);
    IF t = 'public.enrolled_students' THEN
        CREATE INDEX enrolled_students_tutor_idx ON public.enrolled_students (tutor_id, student_id);
        CREATE INDEX enrolled_students_student_idx ON public.enrolled_students (student_id);
    END IF;
END $$;

SELECT pg_temp.complete('public.users', 'People of the lessons: tutors, students and parents.', '{
    "first_name": "First name; the name that is shown is first_name and father_name.",
    "father_name": "Second part of the name.",
    "grandfather_name": "Third part of the name; null if unknown.",
    "last_name": "Family name; null if there is none.",
    "email": "E-mail address; null for a child without one.",
    "phone": "Telephone number; null if unknown.",
    "profile_picture": "Address of a picture; null if there is none.",
    "roles": "Names of the roles that the person has, as a list.",
    "active_role": "The role that the person uses; null if none was chosen."}');
SELECT pg_temp.complete('public.tutor_profiles', 'People who teach.', '{}');
SELECT pg_temp.complete('public.student_profiles', 'People who are taught.', '{
    "grade_level": "Grade; null if unknown.",
    "parent_id": "Parents: ids of public.parent_profiles."}');
SELECT pg_temp.complete('public.parent_profiles', 'Parents of students.', '{
    "children_ids": "Children: ids of public.student_profiles."}');
SELECT pg_temp.complete('public.enrolled_students', 'Who is taught by whom: one row for each tutor, student and package.', '{
    "tutor_id": "The tutor; an id of public.tutor_profiles.",
    "student_id": "The student; an id of public.student_profiles.",
    "package_id": "The package that was bought; null if there is none.",
    "status": "active, alumni, rejected or suspended.",
    "enrolled_at": "When the enrolment began."}');

-- Creates an empty table of lesson sessions in a schema. The move fills it before it has indexes.
CREATE FUNCTION lectern.create_lesson_sessions(place text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TABLE %I.sessions (
        id serial NOT NULL,
        course_enrollment_id integer,
        topics json DEFAULT ''[]'',
        topics_covered json DEFAULT ''[]'',
        session_date date NOT NULL,
        start_time time NOT NULL,
        end_time time NOT NULL,
        duration integer,
        session_mode varchar(50) DEFAULT ''online'',
        location varchar(255),
        whiteboard_id integer,
        student_review_id integer,
        tutor_review_id integer,
        parent_review_id integer,
        tutor_attendance_status varchar(20) DEFAULT ''present'',
        student_attendance_status varchar(20) DEFAULT ''present'',
        priority_level varchar(20) DEFAULT ''medium'',
        is_recurring boolean DEFAULT false,
        session_frequency varchar(50) DEFAULT ''one-time'',
        recurring_pattern json,
        notification_enabled boolean DEFAULT false,
        alarm_enabled boolean DEFAULT false,
        alarm_before_minutes integer DEFAULT 15,
        is_featured boolean DEFAULT false,
        status varchar(20) DEFAULT ''scheduled'',
        created_at timestamp DEFAULT CURRENT_TIMESTAMP,
        updated_at timestamp DEFAULT CURRENT_TIMESTAMP)', place);
END $$;

-- Adds the key, the five indexes, the foreign key and the comments to a table of lesson sessions.
CREATE FUNCTION lectern.complete_lesson_sessions(place text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    t CONSTANT text := format('%I.sessions', place);
    c text;
    d text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = t::regclass AND contype = 'p') THEN
        EXECUTE format('ALTER TABLE %s ADD PRIMARY KEY (id)', t);
    END IF;
    EXECUTE format('CREATE INDEX idx_sessions_enrollment ON %s (course_enrollment_id)', t);
    EXECUTE format('CREATE INDEX idx_sessions_date ON %s (session_date)', t);
    EXECUTE format('CREATE INDEX idx_sessions_status ON %s (status)', t);
    EXECUTE format('CREATE INDEX idx_sessions_featured ON %s (is_featured)', t);
    EXECUTE format('CREATE INDEX idx_sessions_recurring ON %s (is_recurring)', t);
    IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = t::regclass AND contype = 'f') THEN
        EXECUTE format('ALTER TABLE %s ADD FOREIGN KEY (course_enrollment_id) REFERENCES public.enrolled_students (id)
                        ON DELETE CASCADE', t);
    END IF;
    EXECUTE format('COMMENT ON TABLE %s IS %L', t, 'Lesson sessions: dates on which a tutor teaches a student.');
    FOR c, d IN SELECT * FROM (VALUES
        ('course_enrollment_id', 'Reference to enrolled_students, which says the tutor and the student'),
        ('topics', 'Topics planned for the session, as a list'),
        ('topics_covered', 'Topics that were taught, as a list'),
        ('session_mode', 'online, in-person or hybrid'),
        ('whiteboard_id', 'Reference to whiteboard_sessions; null if no whiteboard was used'),
        ('student_review_id', 'Review that the student wrote of the session'),
        ('tutor_review_id', 'Review that the tutor wrote of the student''s work'),
        ('parent_review_id', 'Review that a parent wrote; null if there is none'),
        ('tutor_attendance_status', 'present, absent or late; null while it is not known'),
        ('student_attendance_status', 'present, absent or late; null while it is not known'),
        ('priority_level', 'low, medium, high or urgent'),
        ('session_frequency', 'one-time, weekly, bi-weekly or monthly'),
        ('recurring_pattern', 'Detail of a recurring session: {"days": [], "months": [], "specific_dates": []}')
    ) AS comments LOOP
        EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', t, c, d);
    END LOOP;
END $$;

DO $$ BEGIN
    IF to_regclass('public.sessions') IS NULL
       AND to_regclass('public.tutor_sessions') IS NULL AND to_regclass('public.tutoring_sessions') IS NULL
       AND NOT EXISTS (SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname IN (
           'sessions_pkey', 'sessions_id_seq', 'idx_sessions_enrollment', 'idx_sessions_date', 'idx_sessions_status',
           'idx_sessions_featured', 'idx_sessions_recurring')) THEN
        PERFORM lectern.create_lesson_sessions('public');
        PERFORM lectern.complete_lesson_sessions('public');
        PERFORM lectern.watch_updated_at('public.sessions');
    END IF;
END $$;

-- No foreign key to public.sessions: the table is another one after the move and after its undo, and a number is never
-- given to a second lesson.
CREATE TABLE lectern.lesson_attendance (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    session_id integer NOT NULL,
    person text NOT NULL CHECK (person IN ('tutor', 'student')),
    status text,
    source text NOT NULL,
    marked_by text,
    marked_at timestamptz NOT NULL DEFAULT now(),
    notes text
);
CREATE INDEX lesson_attendance_session_idx ON lectern.lesson_attendance (session_id);
COMMENT ON TABLE lectern.lesson_attendance IS 'History of the attendance: one row each time that somebody marked it.';
COMMENT ON COLUMN lectern.lesson_attendance.id IS 'Number of the entry.';
COMMENT ON COLUMN lectern.lesson_attendance.session_id IS 'The lesson; an id of public.sessions.';
COMMENT ON COLUMN lectern.lesson_attendance.person IS 'Whose attendance: tutor or student.';
COMMENT ON COLUMN lectern.lesson_attendance.status IS 'present, absent or late; null: it was cleared.';
COMMENT ON COLUMN lectern.lesson_attendance.source IS 'How it was marked; migrated: it stood in the table before lesson-sessions.';
COMMENT ON COLUMN lectern.lesson_attendance.marked_by IS 'Who marked it; null if unknown.';
COMMENT ON COLUMN lectern.lesson_attendance.marked_at IS 'When it was marked; of a migrated entry, when its row was last changed.';
COMMENT ON COLUMN lectern.lesson_attendance.notes IS 'What was written beside it; null if nothing.';

CREATE TABLE lectern.lesson_series (
    session_id integer PRIMARY KEY,
    frequency text,
    occurrences integer
);
COMMENT ON TABLE lectern.lesson_series IS 'What is known of a series of lessons beyond the columns of public.sessions.';
COMMENT ON COLUMN lectern.lesson_series.session_id IS 'The first lesson of the series; an id of public.sessions.';
COMMENT ON COLUMN lectern.lesson_series.frequency IS 'How often, such as weekly; null: as session_frequency says.';
COMMENT ON COLUMN lectern.lesson_series.occurrences IS 'How many lessons the series has; null if no number is known.';
