-- A run that ends its process, or whose document cannot be stored, is given up after some attempts. Lists of runs read the counts
-- from columns of their own: a document can be large.
-- An older program works beside it: it counts no attempts.
-- older binaries: yes

ALTER TABLE lectern.requested_runs ADD COLUMN attempts integer NOT NULL DEFAULT 0;

ALTER TABLE lectern.runs
    ADD COLUMN counts jsonb GENERATED ALWAYS AS (document -> 'counts') STORED,
    ADD COLUMN requests jsonb GENERATED ALWAYS AS (document -> 'requests') STORED;
