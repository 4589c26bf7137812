-- The mark of a database that `lectern demo` filled (one row): no demo touches any other.
-- older binaries: yes

CREATE TABLE lectern.demo (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    -- `invented`, or `workbook` and the SHA-256 of the rehearsed file.
    provider text NOT NULL,
    -- When the demo's data folder was made: which folder this database belongs with.
    first_run timestamptz NOT NULL
);
