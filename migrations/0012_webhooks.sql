-- What Administrate tells us of by itself: kept before it is answered, applied by the worker, and after five failures left
-- to a person.
-- older binaries: yes

CREATE TABLE lectern.webhook_inbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    webhook_id text NOT NULL,
    -- Administrate's id of what it is about; empty where it names nothing.
    entity_id text NOT NULL,
    -- As it was told, and as a time where it is one: deliveries may come out of order.
    triggered_at text NOT NULL,
    triggered timestamptz,
    -- SHA-256 of the content alone: one edit may be told twice.
    content_hash bytea NOT NULL,
    -- The body without its configuration, which may hold a secret. Text: JSON may hold what jsonb cannot.
    body text NOT NULL,
    state text NOT NULL DEFAULT 'received' CHECK (state IN ('received', 'applied', 'dead')),
    attempts integer NOT NULL DEFAULT 0,
    -- What came of it, or why not.
    note text,
    received_at timestamptz NOT NULL DEFAULT now(),
    next_attempt_at timestamptz DEFAULT now(),
    CONSTRAINT webhook_inbox_told_once UNIQUE (webhook_id, entity_id, triggered_at, content_hash)
);
CREATE INDEX webhook_inbox_due_idx ON lectern.webhook_inbox (next_attempt_at) WHERE state = 'received';
CREATE INDEX webhook_inbox_entity_idx ON lectern.webhook_inbox (entity_id, id DESC);

-- What we asked Administrate to tell us, and where to: a delivery names its registration, not what it is about.
CREATE TABLE lectern.webhook_registrations (
    webhook_id text PRIMARY KEY,
    webhook_type text NOT NULL,
    url text NOT NULL,
    registered_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (webhook_type, url)
);
