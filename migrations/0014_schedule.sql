-- When each sync of the schedule was last asked for, so that of several processes one asks.
-- An older binary may run beside it: yes.

CREATE TABLE lectern.schedule (
    name text PRIMARY KEY,
    asked_for timestamptz NOT NULL
);
