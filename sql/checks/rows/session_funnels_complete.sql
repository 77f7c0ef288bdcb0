-- Sessions that have not exactly one row of funnels, or the other way round; one row per session id.
WITH sides AS (
    SELECT session_id, 1 AS n_sessions, 0 AS n_funnels FROM sessions WHERE window_start = :window_start
    UNION ALL
    SELECT session_id, 0 AS n_sessions, 1 AS n_funnels FROM session_funnels WHERE window_start = :window_start
),

compared AS (
    SELECT session_id, SUM(n_sessions) AS n_sessions, SUM(n_funnels) AS n_funnels
    FROM sides
    GROUP BY session_id
)

SELECT session_id, n_sessions, n_funnels
FROM compared
WHERE session_id IS NULL OR n_sessions <> 1 OR n_funnels <> 1
ORDER BY session_id ASC
