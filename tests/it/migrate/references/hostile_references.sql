-- What the move must not guess, in a database in which only events and sessions still have texts.
INSERT INTO acted.tutorial_venues (name, description, location_id, created_at, updated_at)
VALUES (' ROOM  1', '', 2, '2026-02-06', '2026-02-06'), ('Hall', '', 1, '2026-02-06', '2026-02-06'),
       ('hall', '', 1, '2026-02-06', '2026-02-06');
UPDATE acted.tutorial_sessions SET venue = 'HALL', venue_id = NULL, location = ' london', location_id = NULL WHERE id = 1;
UPDATE acted.tutorial_sessions SET venue = NULL, location = NULL, venue_id = NULL, location_id = NULL WHERE id = 2;
UPDATE acted.tutorial_sessions SET venue = 'Something else', venue_id = 1 WHERE id = 3;
UPDATE acted.tutorial_sessions SET venue = 'to be confirmed', venue_id = NULL WHERE id = 4;
UPDATE acted.tutorial_sessions SET venue = 'room 1', venue_id = NULL, location = 'King''s Cross', location_id = NULL
WHERE id = 6;
