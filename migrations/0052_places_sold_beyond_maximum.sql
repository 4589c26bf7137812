-- How many places of an event are sold beyond its maximum. acted.tutorial_events.remain_space stops at 0, so that after a
-- cut of the maximum it no longer tells how many are sold.
-- An older program works beside it: it leaves the column as it is.
-- older binaries: yes

ALTER TABLE lectern.event_details ADD COLUMN oversold integer NOT NULL DEFAULT 0 CHECK (oversold >= 0);

COMMENT ON COLUMN lectern.event_details.oversold IS
    'Places sold beyond max_places, as far as remain_space is 0; set when an import lowers max_places below the places sold';
