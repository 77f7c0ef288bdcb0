-- The profiled source hour by hour; one row per UTC hour, and one (NULL) for rows without a usable time.
SELECT
    hour_start,
    n_events,
    n_unparsable_time,
    n_impossible_time,
    first_event_at,
    last_event_at,
    content_digest
FROM source_hours
ORDER BY hour_start ASC NULLS FIRST
