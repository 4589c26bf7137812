-- What a person has decided about who is who: `lectern sync link|unlink|ignore`. Later syncs respect it.
-- An older program works beside it: it matches by names alone.
-- older binaries: yes

CREATE TABLE lectern.sync_decisions (
    entity text NOT NULL,
    decision text NOT NULL CHECK (decision IN ('link', 'unlink', 'ignore')),
    local_id bigint,
    external_id text,
    decided_at timestamptz NOT NULL DEFAULT now(),
    CHECK (CASE decision WHEN 'ignore' THEN num_nonnulls(local_id, external_id) = 1
                         ELSE num_nonnulls(local_id, external_id) = 2 END),
    UNIQUE NULLS NOT DISTINCT (entity, decision, local_id, external_id)
);
-- A record is linked with one other at most.
CREATE UNIQUE INDEX sync_decisions_local_unique ON lectern.sync_decisions (entity, local_id) WHERE decision = 'link';
CREATE UNIQUE INDEX sync_decisions_external_unique ON lectern.sync_decisions (entity, external_id) WHERE decision = 'link';

-- What a run of sync changed, row by row with both values: what `lectern sync undo` takes back.
ALTER TABLE lectern.runs ADD COLUMN journal jsonb;
