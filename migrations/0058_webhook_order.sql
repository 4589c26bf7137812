-- Deliveries are applied in the order of their times. A time ahead of its arrival would silence every later delivery about
-- the same event, so that it counts as five minutes after the arrival at most.
-- An older program works beside it: it stores times as they arrive.
-- older binaries: yes

UPDATE lectern.webhook_inbox SET triggered = received_at + interval '5 minutes'
WHERE triggered > received_at + interval '5 minutes';

-- The next deliveries to apply are read from the index, however many wait.
CREATE INDEX webhook_inbox_order_idx ON lectern.webhook_inbox (coalesce(triggered, received_at), id)
    WHERE state = 'received';
