-- What the move must not guess, in a database in which Administrate's side has texts of its own.
UPDATE adm.venues SET name = 'Room 1', location_id = 'TG9jYXRpb246' || 2 WHERE id = 2;
INSERT INTO adm.venues (external_id, name, description, location_id, created_at, updated_at)
VALUES ('V4', '  room   1 ', 'second floor', 'TG9jYXRpb246' || 1, '2025-03-01', '2025-03-02'),
       ('V5', '', 'without a name', NULL, '2025-03-01', '2025-03-02'),
       ('V6', 'Only Hall', NULL, 'TG9jYXRpb246' || 1, '2025-03-01', '2025-03-02');
INSERT INTO adm.instructors (external_id, first_name, last_name, email, is_active, last_synced, created_at, updated_at)
VALUES ('I4', 'Nora', 'Newcomer', 'nora@example.org', true, '2025-03-01', '2025-03-01', '2025-03-02'),
       ('I5', 'Nora', 'Newcomer', NULL, true, '2025-03-01', '2025-03-01', '2025-03-02'),
       ('I6', '', '', NULL, true, '2025-03-01', '2025-03-01', '2025-03-02'),
       ('I7', '', '', 'info@example.org', false, '2025-03-01', '2025-03-01', '2025-03-02');
ALTER TABLE adm.course_templates DROP CONSTRAINT course_templates_code_key;
INSERT INTO adm.course_templates (external_id, code, title, custom_fields, active, created_at, updated_at)
VALUES ('T4', ' CB1_f2f_3', 'With a space', '{}', true, '2025-03-01', '2025-03-02'),
       ('T5', '', 'Without a code', '{}', true, '2025-03-01', '2025-03-02'),
       ('T6', 'OC_3_UK', 'A second one', '{}', true, '2025-03-01', '2025-03-02');
UPDATE acted.tutorial_sessions SET location = 'LONDON ', venue = ' ROOM 1' WHERE id = 1;
UPDATE acted.tutorial_sessions SET location = '', venue = 'TBC' WHERE id = 2;
UPDATE acted.tutorial_sessions SET location = 'King''s Cross', venue = 'room 1' WHERE id = 3;
UPDATE acted.tutorial_sessions SET venue = 'only hall' WHERE id = 4;
COMMIT;
-- What comes back with its column.
COMMENT ON COLUMN adm.locations.name IS 'The town, isn''t it';
GRANT SELECT (name), UPDATE (code) ON adm.locations TO {reader};
GRANT SELECT (first_name) ON adm.instructors TO {reader} WITH GRANT OPTION;
ALTER TABLE adm.venues ALTER COLUMN description SET DEFAULT 'none', ADD CONSTRAINT short CHECK (length(name) < 200);
CREATE INDEX venues_lower ON adm.venues (lower(name)) WHERE description IS NOT NULL;
ALTER TABLE adm.locations ALTER COLUMN code TYPE varchar(50) COLLATE "C";
CREATE TRIGGER always_touch BEFORE UPDATE ON adm.venues
    FOR EACH ROW EXECUTE FUNCTION public.update_timestamp_column();
ALTER TABLE adm.venues ENABLE ALWAYS TRIGGER always_touch;
