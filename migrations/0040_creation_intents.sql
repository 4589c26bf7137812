-- What delivery keeps of its own intentions: with which values creations were sent whose outcome nobody has seen, so that
-- they are found again whatever changed meanwhile; until when one that was not answered may still be carried out; and which sessions are to go that a change had brought which was taken
-- back.
-- An older program works beside it: it looks for a creation by the values of now, and leaves such sessions.
-- older binaries: yes

ALTER TABLE lectern.outbox ADD COLUMN sent jsonb NOT NULL DEFAULT '[]';
ALTER TABLE lectern.outbox ADD COLUMN late_until timestamptz;

CREATE TABLE lectern.withdrawn_sessions (
    -- Administrate's id.
    external_id text PRIMARY KEY
);
