-- Tokens with which programs identify themselves over HTTP. Only the SHA-256 of a secret is kept: secrets are 256 random
-- bits, so there is nothing to guess and nothing to salt.
-- older binaries: yes

CREATE TABLE lectern.tokens (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL CHECK (name <> ''),
    role text NOT NULL CHECK (role IN ('admin', 'operator', 'reader', 'tutor', 'student', 'parent')),
    -- The profile's id, for roles that see only what is somebody's own.
    subject_id bigint,
    digest bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz,
    CONSTRAINT tokens_digest_unique UNIQUE (digest),
    CONSTRAINT tokens_subject_by_role CHECK ((role IN ('tutor', 'student', 'parent')) = (subject_id IS NOT NULL))
);
