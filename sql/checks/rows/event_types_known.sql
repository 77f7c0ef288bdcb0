-- The event types that are new in the window, where together they are too many events; one row per type.
WITH {common_tables}

SELECT here.event_type AS event_type, here.n_events AS n_events, here.first_event_at AS first_event_at
FROM here
CROSS JOIN totals
WHERE here.is_new = 1 AND totals.new_types_share > :new_types_share_max
ORDER BY here.n_events DESC, here.event_type ASC
