-- updated_at is moved only on tables that have it, and rows are compared by their stored form: a column of type json has
-- no equality, and a table that existed before Lectern may have one.
-- older binaries: yes

CREATE OR REPLACE FUNCTION lectern.touch_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := OLD.updated_at;
    IF NEW *<> OLD THEN
        NEW.updated_at := now();
    END IF;
    RETURN NEW;
END $$;

-- Attaches the trigger to every table named that has updated_at.
CREATE OR REPLACE FUNCTION lectern.watch_updated_at(VARIADIC tables text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY tables LOOP
        EXECUTE format('DROP TRIGGER IF EXISTS lectern_touch_updated_at ON %s', t);
        IF EXISTS (SELECT FROM pg_attribute
                   WHERE attrelid = t::regclass AND attname = 'updated_at' AND NOT attisdropped) THEN
            EXECUTE format('CREATE TRIGGER lectern_touch_updated_at BEFORE UPDATE ON %s
                            FOR EACH ROW EXECUTE FUNCTION lectern.touch_updated_at()', t);
        END IF;
    END LOOP;
END $$;

-- Tables that got the trigger although they have no such column could not be updated at all.
DO $$
DECLARE
    t regclass;
BEGIN
    FOR t IN SELECT tgrelid FROM pg_trigger
             WHERE tgfoid = 'lectern.touch_updated_at'::regproc
               AND NOT EXISTS (SELECT FROM pg_attribute
                               WHERE attrelid = tgrelid AND attname = 'updated_at' AND NOT attisdropped) LOOP
        EXECUTE format('DROP TRIGGER lectern_touch_updated_at ON %s', t);
    END LOOP;
END $$;
