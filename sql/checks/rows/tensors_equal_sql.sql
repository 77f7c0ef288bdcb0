-- Sessions that the table the tensors are made from holds otherwise than the staged events say; one row per session.
-- None of them, and yet different counts: then the fault lies between that table and the tensors.
WITH staged AS (
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
        staged.*,
        MIN(CASE WHEN is_conversion THEN position_in_session END) OVER (
            PARTITION BY user_id, device_id, started_at
        ) AS conversion_position
    FROM staged
),

recounted AS (
    SELECT
        user_id,
        device_id,
        started_at,
        MAX(CASE WHEN conversion_position IS NULL THEN 0 ELSE 1 END) AS label,
        COUNT(CASE WHEN NOT is_funnel THEN 1 END) AS n_no_funnel
    FROM ends
    WHERE conversion_position IS NULL OR position_in_session < conversion_position
    GROUP BY user_id, device_id, started_at
),

sides AS (
    SELECT
        sessions.session_id AS session_id,
        1 AS n_staged,
        0 AS n_kept,
        recounted.label AS label,
        recounted.n_no_funnel AS n_no_funnel,
        0 AS kept_label,
        0 AS kept_n_no_funnel
    FROM recounted
    INNER JOIN sessions
        ON recounted.user_id = sessions.user_id
        AND recounted.device_id IS NOT DISTINCT FROM sessions.device_id
        AND recounted.started_at = sessions.started_at
    WHERE
        sessions.window_start = :window_start
        AND NOT sessions.is_bot AND NOT sessions.is_censored
        AND recounted.n_no_funnel >= 1
    UNION ALL
    SELECT
        session_id,
        0 AS n_staged,
        1 AS n_kept,
        0 AS label,
        0 AS n_no_funnel,
        label AS kept_label,
        n_no_funnel AS kept_n_no_funnel
    FROM risk_set
    WHERE window_start = :window_start
),

compared AS (
    SELECT
        session_id,
        SUM(n_staged) AS n_staged,
        SUM(n_kept) AS n_kept,
        SUM(label) AS label,
        SUM(kept_label) AS kept_label,
        SUM(n_no_funnel) AS n_no_funnel,
        SUM(kept_n_no_funnel) AS kept_n_no_funnel
    FROM sides
    GROUP BY session_id
)

SELECT session_id, n_staged, n_kept, label, kept_label, n_no_funnel, kept_n_no_funnel
FROM compared
WHERE n_staged <> 1 OR n_kept <> 1 OR label <> kept_label OR n_no_funnel <> kept_n_no_funnel
ORDER BY session_id ASC
