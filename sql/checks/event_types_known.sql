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
        stg_events.event_type AS event_type,
        COUNT(*) AS n_events,
        MIN(stg_events.event_at) AS first_event_at,
        CASE WHEN MIN(known.event_type) IS NULL THEN 1 ELSE 0 END AS is_new
    FROM stg_events
    LEFT JOIN known ON stg_events.event_type = known.event_type
    WHERE stg_events.window_start = :window_start AND stg_events.window_side = 0 AND stg_events.event_type IS NOT NULL
    GROUP BY stg_events.event_type
),

counted AS (
    SELECT
        COALESCE(SUM(n_events), 0) AS n_events,
        COALESCE(SUM(CASE WHEN is_new = 1 THEN n_events END), 0) AS n_new_type
    FROM here
),

totals AS (
    SELECT
        counted.n_events AS n_events,
        counted.n_new_type AS n_new_type,
        before.n_events_before AS n_events_before,
        CASE
            WHEN before.n_events_before > 0
                THEN CAST(counted.n_new_type AS DOUBLE) / NULLIF(CAST(counted.n_events AS DOUBLE), 0)
        END AS new_types_share
    FROM counted
    CROSS JOIN before
)

SELECT n_events, n_new_type, n_events_before, new_types_share
FROM totals
