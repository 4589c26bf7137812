-- A lesson that is written while lesson-sessions copies is noted once, not once for its number before and once after.
-- older binaries: yes

-- Writers of the tables have no privileges in this schema, therefore the function runs as its owner.
CREATE OR REPLACE FUNCTION lectern.note_lesson_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
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
        IF NEW.id = OLD.id THEN
            INSERT INTO lectern.lesson_changes (session_id) VALUES (NEW.id);
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
