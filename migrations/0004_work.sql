-- What Lectern keeps about its own work: runs, the outbox, the request allowance.
-- An older binary may run beside it: yes.

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
-- what to bring about for which subject, never with which values: those are read when it is carried out.
CREATE TABLE lectern.outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    effect text NOT NULL,
    subject_id bigint NOT NULL,
    subject text NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'failed', 'unknown')),
    attempts integer NOT NULL DEFAULT 0,
    -- A write was under way when its outcome was last heard of: look before writing again.
    doubtful boolean NOT NULL DEFAULT false,
    last_error text,
    next_attempt_at timestamptz DEFAULT now(),
    claimed_until timestamptz,
    claimed_by uuid,
    run_id bigint REFERENCES lectern.runs ON DELETE SET NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
-- The same thing is asked once until it is done.
CREATE UNIQUE INDEX outbox_open_unique ON lectern.outbox (effect, subject_id) WHERE state <> 'delivered';
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
