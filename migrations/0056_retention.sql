-- What the hourly clean-up must know: which calls to Administrate were logged before Lectern came to the database.
-- An older program works beside it: it deletes such calls when they are old.
-- older binaries: yes

CREATE TABLE lectern.adoption (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    adopted_at timestamptz NOT NULL,
    last_audit_id bigint NOT NULL
);

-- In a database that Lectern used before, the log holds its own calls too: only those from before its first step are older.
INSERT INTO lectern.adoption (adopted_at, last_audit_id)
SELECT first.at, coalesce((SELECT max(id) FROM adm.api_audit_log WHERE started_at < first.at), 0)
FROM (SELECT coalesce(min(installed_on), now()) AS at FROM lectern.schema_steps) AS first;

-- Deleting a run looks up what refers to it.
CREATE INDEX idempotency_keys_run_idx ON lectern.idempotency_keys (run_id);
