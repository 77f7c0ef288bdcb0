-- Sessions that can be predicted, counted from the staged events on a way of its own; one row.
WITH numbered AS (
    SELECT
        stg_events.user_id AS user_id,
        stg_events.device_id AS device_id,
        stg_events.chain_started_at AS started_at,
        stg_events.event_at AS event_at,
        COALESCE(event_roles.is_conversion, FALSE) AS is_conversion,
        ROW_NUMBER() OVER (
            PARTITION BY stg_events.user_id, stg_events.device_id, stg_events.chain_started_at
            ORDER BY stg_events.event_at, stg_events.event_id
        ) AS place
    FROM stg_events
    LEFT JOIN event_roles ON stg_events.event_type = event_roles.event_type
    WHERE
        stg_events.window_start = :window_start
        AND stg_events.rejection IS NULL
        AND stg_events.chain_started_at >= :window_start
        AND stg_events.chain_started_at < :window_end
),

per_session AS (
    SELECT
        user_id,
        device_id,
        started_at,
        COUNT(*) AS n_events,
        MIN(CASE WHEN is_conversion THEN place END) AS converted_place,
        MIN(CASE WHEN is_conversion THEN event_at END) AS converted_at
    FROM numbered
    GROUP BY user_id, device_id, started_at
),

recounted AS (
    SELECT
        sessions.session_id AS session_id,
        CASE WHEN per_session.converted_place IS NULL THEN 0 ELSE 1 END AS label,
        CASE
            WHEN
                per_session.converted_place <= :early_events
                AND DATEDIFF('microsecond', per_session.started_at, per_session.converted_at) <= :early_us
                THEN 0
            ELSE 1
        END AS is_early
    FROM per_session
    INNER JOIN sessions
        ON per_session.user_id = sessions.user_id
        AND per_session.device_id IS NOT DISTINCT FROM sessions.device_id
        AND per_session.started_at = sessions.started_at
    WHERE
        sessions.window_start = :window_start
        AND NOT sessions.is_bot AND NOT sessions.is_censored
        AND (per_session.converted_place IS NULL OR per_session.converted_place > 1)
)

SELECT
    COUNT(*) AS sql_full_sessions,
    COALESCE(SUM(label), 0) AS sql_full_converted,
    COALESCE(SUM(is_early), 0) AS sql_early_sessions,
    COALESCE(SUM(CASE WHEN is_early = 1 THEN label END), 0) AS sql_early_converted
FROM recounted
