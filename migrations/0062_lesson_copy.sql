-- The move lesson-sessions: how far it is, and which rows were written while it copied.
-- older binaries: yes

CREATE TABLE lectern.lesson_copy (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    source bigint,
    phase text NOT NULL CHECK (phase IN ('copying', 'swapped', 'done')),
    last_id bigint,
    journal jsonb NOT NULL DEFAULT '{}',
    started_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE lectern.lesson_copy IS 'How far the move lesson-sessions is (one row, none before and after).';
COMMENT ON COLUMN lectern.lesson_copy.one IS 'Always true.';
COMMENT ON COLUMN lectern.lesson_copy.source IS 'OID of the table that is copied; null if there was none.';
COMMENT ON COLUMN lectern.lesson_copy.phase IS 'copying, swapped (the tables have changed places) or done.';
COMMENT ON COLUMN lectern.lesson_copy.last_id IS 'Rows up to this id are copied; null before the first batch.';
COMMENT ON COLUMN lectern.lesson_copy.journal IS 'What an undo needs, and what the receipt says.';
COMMENT ON COLUMN lectern.lesson_copy.started_at IS 'When the move began.';

CREATE TABLE lectern.lesson_copy_batches (
    first_id bigint PRIMARY KEY,
    last_id bigint NOT NULL,
    rows bigint NOT NULL,
    copied_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE lectern.lesson_copy_batches IS 'Batches that the move lesson-sessions has copied.';
COMMENT ON COLUMN lectern.lesson_copy_batches.first_id IS 'The lowest id of the batch.';
COMMENT ON COLUMN lectern.lesson_copy_batches.last_id IS 'Rows up to this id.';
COMMENT ON COLUMN lectern.lesson_copy_batches.rows IS 'Rows of the batch.';
COMMENT ON COLUMN lectern.lesson_copy_batches.copied_at IS 'When the batch was copied.';

CREATE TABLE lectern.lesson_changes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    session_id bigint,
    tutor_id bigint,
    student_id bigint,
    is_all boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE lectern.lesson_changes IS 'Rows that were written while lesson-sessions copied; they are copied again.';
COMMENT ON COLUMN lectern.lesson_changes.id IS 'Number of the entry.';
COMMENT ON COLUMN lectern.lesson_changes.session_id IS 'The row that was written; null if it was an enrolment.';
COMMENT ON COLUMN lectern.lesson_changes.tutor_id IS 'Tutor of a changed enrolment.';
COMMENT ON COLUMN lectern.lesson_changes.student_id IS 'Student of a changed enrolment.';
COMMENT ON COLUMN lectern.lesson_changes.is_all IS 'The table was emptied with TRUNCATE.';

-- Writers of the tables have no privileges in this schema, therefore the functions run as their owner.
CREATE FUNCTION lectern.note_lesson_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        INSERT INTO lectern.lesson_changes (is_all) VALUES (true);
        RETURN NULL;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        IF NOT NEW *<> OLD THEN
            RETURN NULL;
        END IF;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO lectern.lesson_changes (session_id) VALUES (OLD.id);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO lectern.lesson_changes (session_id) VALUES (NEW.id);
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION lectern.note_enrolment_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        INSERT INTO lectern.lesson_changes (is_all) VALUES (true);
        RETURN NULL;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO lectern.lesson_changes (tutor_id, student_id) VALUES (OLD.tutor_id, OLD.student_id);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO lectern.lesson_changes (tutor_id, student_id) VALUES (NEW.tutor_id, NEW.student_id);
    END IF;
    RETURN NULL;
END $$;
