-- How many of the window's events have a type without a role that the windows before did not hold; one row.
WITH known AS (
    SELECT event_type FROM event_roles
    UNION
    SELECT event_type FROM stg_events WHERE window_start >= :recent_start AND window_start < :window_start
),

before AS (
    SELECT COUNT(*) AS n_events_before
    FROM stg_events
    WHERE window_start >= :recent_start AND window_start < :window_start AND window_side = 0
),

here AS (
    SELECT
        COUNT(*) AS n_events,
        COUNT(CASE WHEN known.event_type IS NULL THEN 1 END) AS n_new_type
    FROM stg_events
    LEFT JOIN known ON stg_events.event_type = known.event_type
    WHERE stg_events.window_start = :window_start AND stg_events.window_side = 0 AND stg_events.event_type IS NOT NULL
)

SELECT
    here.n_events AS n_events,
    here.n_new_type AS n_new_type,
    before.n_events_before AS n_events_before,
    CASE
        WHEN before.n_events_before > 0 THEN CAST(here.n_new_type AS DOUBLE) / NULLIF(CAST(here.n_events AS DOUBLE), 0)
    END AS new_types_share
FROM here
CROSS JOIN before
