-- Corrections of cells that belong to an import: the file stays as it was, the next plan reads the corrected values.
-- older binaries: yes

CREATE TABLE lectern.import_corrections (
    run_id bigint NOT NULL REFERENCES lectern.runs ON DELETE CASCADE,
    sheet text NOT NULL,
    cell text NOT NULL,
    value text NOT NULL,
    original text,
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (run_id, sheet, cell)
);
COMMENT ON TABLE lectern.import_corrections IS 'Corrected cells of imported workbooks; the stored file stays as it was.';
COMMENT ON COLUMN lectern.import_corrections.run_id IS 'The import, or its dry run.';
COMMENT ON COLUMN lectern.import_corrections.sheet IS 'Name of the sheet.';
COMMENT ON COLUMN lectern.import_corrections.cell IS 'The cell as Excel names it, such as E4.';
COMMENT ON COLUMN lectern.import_corrections.value IS 'What is read instead of the cell of the file; empty: a blank cell.';
COMMENT ON COLUMN lectern.import_corrections.original IS 'What the file contains; null: a blank cell.';
COMMENT ON COLUMN lectern.import_corrections.changed_by IS 'Name of the login or token that corrected it.';
COMMENT ON COLUMN lectern.import_corrections.changed_at IS 'When it was corrected.';
