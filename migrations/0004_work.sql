-- What Lectern keeps about its own work: runs, the outbox, the request allowance.
-- older binaries: yes

-- One row a run of sync or import, with the document that it printed.
CREATE TABLE lectern.runs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    subject text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    exit_code integer,
    document jsonb
);
CREATE INDEX runs_kind_idx ON lectern.runs (kind, subject, id DESC);

-- What must happen in Administrate, written in the transaction of the change that makes it necessary. A row says
-- what to bring about for which subject, never with which values: those are read when it is carried out. Who works on
-- a row holds an advisory lock on it, so that the end of a worker, however sudden, gives it back.
CREATE TABLE lectern.outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    effect text NOT NULL,
    subject_kind text NOT NULL,
    subject_id bigint NOT NULL,
    subject text NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'failed', 'unknown')),
    -- How often this was asked; a change that comes while the row is being carried out is not lost.
    asked integer NOT NULL DEFAULT 1,
    attempts integer NOT NULL DEFAULT 0,
    -- It may be in Administrate already (a creation was under way, or nobody has looked): look before creating.
    look_first boolean NOT NULL DEFAULT false,
    last_error text,
    next_attempt_at timestamptz DEFAULT now(),
    run_id bigint REFERENCES lectern.runs ON DELETE SET NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
-- A subject is worked on once at a time: asking again while it is open is the same row.
CREATE UNIQUE INDEX outbox_open_unique ON lectern.outbox (subject_kind, subject_id) WHERE state <> 'delivered';
CREATE INDEX outbox_due_idx ON lectern.outbox (next_attempt_at) WHERE state = 'pending';
CREATE INDEX outbox_run_idx ON lectern.outbox (run_id);
SELECT lectern.watch_updated_at('lectern.outbox');

-- The token bucket of requests to Administrate, shared by every process (one row).
CREATE TABLE lectern.request_allowance (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    tokens double precision NOT NULL,
    refilled_at timestamptz NOT NULL DEFAULT now(),
    paused_until timestamptz
);
