-- What a variant's tensors must hold, counted from the staged events on a way of its own; one row.
-- Case events are those of converted sessions before the conversion, which no cut shortens.
WITH sampled AS (
    SELECT
        stg_events.user_id AS user_id,
        stg_events.device_id AS device_id,
        stg_events.chain_started_at AS started_at,
        COALESCE(event_roles.is_conversion, FALSE) AS is_conversion,
        COALESCE(event_roles.is_funnel, FALSE) AS is_funnel,
        ROW_NUMBER() OVER (
            PARTITION BY stg_events.user_id, stg_events.device_id, stg_events.chain_started_at
            ORDER BY stg_events.event_at, stg_events.event_id
        ) AS position_in_session
    FROM stg_events
    INNER JOIN sampled_users
        ON stg_events.user_id = sampled_users.user_id AND stg_events.window_start = sampled_users.window_start
    LEFT JOIN event_roles ON stg_events.event_type = event_roles.event_type
    WHERE
        stg_events.window_start = :window_start
        AND stg_events.rejection IS NULL
        AND stg_events.chain_started_at >= :window_start
        AND stg_events.chain_started_at < :window_end
),

ends AS (
    SELECT
        sampled.*,
        MIN(CASE WHEN is_conversion THEN position_in_session END) OVER (
            PARTITION BY user_id, device_id, started_at
        ) AS conversion_position,
        MIN(CASE WHEN is_funnel THEN position_in_session END) OVER (
            PARTITION BY user_id, device_id, started_at
        ) AS funnel_position
    FROM sampled
),

per_session AS (
    SELECT
        user_id,
        device_id,
        started_at,
        MAX(CASE WHEN conversion_position IS NULL THEN 0 ELSE 1 END) AS label,
        COUNT(CASE WHEN NOT is_funnel THEN 1 END) AS n_no_funnel,
        COUNT(
            CASE
                WHEN :funnel_rule = 'keep' THEN 1
                WHEN :funnel_rule = 'drop' AND NOT is_funnel THEN 1
                WHEN :funnel_rule = 'stop' AND (funnel_position IS NULL OR position_in_session < funnel_position) THEN 1
            END
        ) AS n_visible
    FROM ends
    WHERE conversion_position IS NULL OR position_in_session < conversion_position
    GROUP BY user_id, device_id, started_at
),

recounted AS (
    SELECT
        sessions.session_id AS session_id,
        per_session.label AS label,
        per_session.n_no_funnel AS n_no_funnel,
        per_session.n_visible AS n_visible
    FROM per_session
    INNER JOIN sessions
        ON per_session.user_id = sessions.user_id
        AND per_session.device_id IS NOT DISTINCT FROM sessions.device_id
        AND per_session.started_at = sessions.started_at
    WHERE
        sessions.window_start = :window_start
        AND NOT sessions.is_bot AND NOT sessions.is_censored
        AND per_session.n_no_funnel >= 1
)

SELECT
    COUNT(*) AS sql_sessions,
    COALESCE(SUM(label), 0) AS sql_converted,
    COALESCE(SUM(CASE WHEN label = 1 THEN n_visible END), 0) AS sql_case_events
FROM recounted
