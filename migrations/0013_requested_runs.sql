-- Runs that are asked for over HTTP and carried out in the background: what was asked, by whom, and whether it was called
-- off. What a process leaves open when it ends, the next one takes up.
-- older binaries: yes

-- A dry run asked for over HTTP is kept too; it does not count as done.
ALTER TABLE lectern.runs ADD COLUMN dry_run boolean NOT NULL DEFAULT false;
CREATE INDEX runs_open_idx ON lectern.runs (kind, id) WHERE finished_at IS NULL;

CREATE TABLE lectern.requested_runs (
    run_id bigint PRIMARY KEY REFERENCES lectern.runs ON DELETE CASCADE,
    request jsonb NOT NULL,
    token_id bigint REFERENCES lectern.tokens ON DELETE SET NULL,
    cancelled_at timestamptz
);

-- What a caller asked under a key of its own choice: asking again brings the same answer, not a second run.
CREATE TABLE lectern.idempotency_keys (
    token_id bigint NOT NULL REFERENCES lectern.tokens ON DELETE CASCADE,
    key text NOT NULL,
    -- SHA-256 of what was asked.
    fingerprint bytea NOT NULL,
    run_id bigint NOT NULL REFERENCES lectern.runs ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (token_id, key)
);
