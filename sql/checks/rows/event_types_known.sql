-- The event types that are new in the window, where together they are too many events; one row per type.
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

totals AS (
    SELECT
        CAST(SUM(n_events) AS DOUBLE) AS n_events,
        CAST(SUM(CASE WHEN is_new = 1 THEN n_events ELSE 0 END) AS DOUBLE) AS n_new_type
    FROM here
)

SELECT
    here.event_type AS event_type,
    here.n_events AS n_events,
    here.first_event_at AS first_event_at
FROM here
CROSS JOIN totals
CROSS JOIN before
WHERE
    here.is_new = 1
    AND before.n_events_before > 0
    AND totals.n_new_type > :new_types_share_max * totals.n_events
ORDER BY here.n_events DESC, here.event_type ASC
