-- Responses of requests with an Idempotency-Key, so that a repeated request is not executed again.
-- older binaries: yes

CREATE TABLE lectern.idempotent_requests (
    token_id bigint NOT NULL REFERENCES lectern.tokens ON DELETE CASCADE,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    renewed_at timestamptz NOT NULL DEFAULT now(),
    status smallint,
    headers jsonb,
    body bytea,
    PRIMARY KEY (token_id, key)
);
CREATE INDEX idempotent_requests_created_at_idx ON lectern.idempotent_requests (created_at);

COMMENT ON TABLE lectern.idempotent_requests IS
    'Requests over HTTP with an Idempotency-Key and their responses, for a day.';
COMMENT ON COLUMN lectern.idempotent_requests.token_id IS 'The token of the caller. Keys of two tokens are independent.';
COMMENT ON COLUMN lectern.idempotent_requests.key IS 'The key that the caller chose.';
COMMENT ON COLUMN lectern.idempotent_requests.fingerprint IS
    'SHA-256 of path, parameters and body. Another request with the same key is refused.';
COMMENT ON COLUMN lectern.idempotent_requests.created_at IS 'When the request was received. After a day the row is deleted.';
COMMENT ON COLUMN lectern.idempotent_requests.renewed_at IS
    'Renewed while the request is executed. A claim that is not renewed for a minute belongs to a process that ended.';
COMMENT ON COLUMN lectern.idempotent_requests.status IS
    'Status of the response. Null while the request is executed, and for an upload, whose run stores the key.';
COMMENT ON COLUMN lectern.idempotent_requests.headers IS 'Headers of the response that are sent again.';
COMMENT ON COLUMN lectern.idempotent_requests.body IS 'Body of the response.';
