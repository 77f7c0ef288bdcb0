-- How many sessions have not exactly one row of funnels, or the other way round; one row.
WITH sides AS (
    SELECT session_id, 1 AS n_sessions, 0 AS n_funnels FROM sessions WHERE window_start = :window_start
    UNION ALL
    SELECT session_id, 0 AS n_sessions, 1 AS n_funnels FROM session_funnels WHERE window_start = :window_start
),

compared AS (
    SELECT
        session_id,
        SUM(n_sessions) AS n_sessions,
        SUM(n_funnels) AS n_funnels,
        CASE WHEN session_id IS NULL OR SUM(n_sessions) <> 1 OR SUM(n_funnels) <> 1 THEN 1 ELSE 0 END AS is_not_once
    FROM sides
    GROUP BY session_id
)

SELECT COUNT(*) AS n_session_ids, COALESCE(SUM(is_not_once), 0) AS n_not_once
FROM compared
