-- What delivery needs to know beside the event itself: steps that somebody asked for (publish, delete drafts), whether
-- a creation was sent whose outcome nobody has seen, and what an imported event was before (for `import undo`).
-- An older program works beside it: it leaves such steps undone.
-- older binaries: yes

ALTER TABLE lectern.outbox ADD COLUMN also text[] NOT NULL DEFAULT '{}';
ALTER TABLE lectern.outbox ADD COLUMN in_doubt boolean NOT NULL DEFAULT false;
ALTER TABLE lectern.import_rows ADD COLUMN before jsonb;
