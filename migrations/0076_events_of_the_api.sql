-- What the API stores of an event beside the timetable: whether it goes to Administrate, values of further custom fields,
-- and when its details changed.
-- An older program works beside it: it leaves the columns as they are.
-- older binaries: yes

ALTER TABLE lectern.event_details
    ADD COLUMN delivery text CHECK (delivery IN ('never', 'when_linked')),
    ADD COLUMN custom_fields jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN updated_at timestamptz;
ALTER TABLE lectern.event_details ALTER COLUMN updated_at SET DEFAULT now();

COMMENT ON COLUMN lectern.event_details.delivery IS
    'never: the event stays out of Administrate; when_linked: it is created there once its course template and location are linked; null: neither';
COMMENT ON COLUMN lectern.event_details.custom_fields IS
    'Values of custom fields that no other column has, by label: {"label": value}';
COMMENT ON COLUMN lectern.event_details.updated_at IS 'When the details last changed; null: before this column existed';

SELECT lectern.watch_updated_at('lectern.event_details');

CREATE INDEX event_details_when_linked_idx ON lectern.event_details (tutorial_event_id) WHERE delivery = 'when_linked';

-- A cancelled event is not found by searches.
CREATE TRIGGER lectern_catalogue_changed AFTER INSERT OR UPDATE OF cancelled ON lectern.event_details
    FOR EACH STATEMENT EXECUTE FUNCTION lectern.catalogue_changed();

-- Returns the location or venue that an adopted event or session had as text and that no reference replaces. Only an adopted
-- database has the archive.
CREATE FUNCTION lectern.archived_place(source_table text, row_id bigint, source_field text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found text;
BEGIN
    IF to_regclass('lectern.archive') IS NULL OR NOT has_table_privilege('lectern.archive', 'SELECT') THEN
        RETURN NULL;
    END IF;
    SELECT value #>> '{}' INTO found FROM lectern.archive
    WHERE step = 'tutorial-references' AND source = source_table AND source_id = row_id AND field = source_field
      AND reason <> 'the column was removed' LIMIT 1;
    RETURN found;
END $$;
