-- An adopted database spells some values differently than Administrate: in other letter case. They stay as they are until
-- Administrate changes them, which only the value that Administrate had tells.
-- An older program works beside it: it neither reads nor writes this table, and writes Administrate's spelling.
-- older binaries: yes
CREATE TABLE lectern.found_spellings (
    entity text PRIMARY KEY,
    comparison jsonb NOT NULL
);
COMMENT ON TABLE lectern.found_spellings IS
    'Values of link rows that differ from Administrate in letter case only and were left as they were found; one row for each entity that was compared with Administrate.';
COMMENT ON COLUMN lectern.found_spellings.entity IS 'The entity, as on the command line of sync.';
COMMENT ON COLUMN lectern.found_spellings.comparison IS
    'JSON: retained, the rows with such values as Administrate had them, by identity; pending, the identities of rows that have not been compared yet.';
