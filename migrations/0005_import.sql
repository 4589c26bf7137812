-- What became of each block of an imported timetable (`lectern import show`), kept with its run.
-- older binaries: yes

CREATE TABLE lectern.import_rows (
    run_id bigint NOT NULL REFERENCES lectern.runs ON DELETE CASCADE,
    -- The event row's number, as the spreadsheet shows it.
    row integer NOT NULL,
    title text NOT NULL,
    outcome text NOT NULL,
    sessions integer NOT NULL,
    -- What changed of a known event, each with its old and new value.
    changes jsonb NOT NULL,
    -- Columns that mean nothing to us, by row number and header.
    unused jsonb NOT NULL,
    PRIMARY KEY (run_id, row)
);
