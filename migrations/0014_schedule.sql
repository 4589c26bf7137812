-- When each sync of the schedule was last asked for, so that of several processes one asks.
-- older binaries: yes

CREATE TABLE lectern.schedule (
    name text PRIMARY KEY,
    asked_for timestamptz NOT NULL
);
