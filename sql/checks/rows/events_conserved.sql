-- Events of the window's sessions that are there not once, and sessions whose number of events is another; one row each.
WITH event_sides AS (
    SELECT user_id, event_id, event_at, 1 AS n_staged, 0 AS n_in_sessions
    FROM stg_events
    WHERE
        window_start = :window_start
        AND rejection IS NULL
        AND chain_started_at >= :window_start AND chain_started_at < :window_end
    UNION ALL
    SELECT user_id, event_id, event_at, 0 AS n_staged, 1 AS n_in_sessions
    FROM session_events
    WHERE window_start = :window_start
),

session_sides AS (
    SELECT session_id, user_id, 1 AS n_events, 0 AS n_said
    FROM session_events
    WHERE window_start = :window_start
    UNION ALL
    SELECT session_id, user_id, 0 AS n_events, n_events AS n_said
    FROM sessions
    WHERE window_start = :window_start
),

offending AS (
    SELECT
        'event' AS what,
        event_id AS id,
        user_id,
        event_at,
        SUM(n_staged) AS n_expected,
        SUM(n_in_sessions) AS n_found
    FROM event_sides
    GROUP BY user_id, event_id, event_at
    HAVING SUM(n_staged) <> SUM(n_in_sessions)
    UNION ALL
    SELECT
        'session' AS what,
        session_id AS id,
        MIN(user_id) AS user_id,
        CAST(NULL AS TIMESTAMP_NTZ) AS event_at,
        SUM(n_said) AS n_expected,
        SUM(n_events) AS n_found
    FROM session_sides
    GROUP BY session_id
    HAVING SUM(n_said) <> SUM(n_events)
)

SELECT what, id, user_id, event_at, n_expected, n_found
FROM offending
ORDER BY what ASC, id ASC, user_id ASC, event_at ASC
