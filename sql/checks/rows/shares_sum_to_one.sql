-- Sessions whose shares don't sum to 1, or with a negative share; one row per session.
WITH per_session AS (
    SELECT
        session_id,
        COUNT(*) AS n_events,
        SUM(gradient_attribution) AS total,
        COUNT(CASE WHEN gradient_attribution < 0 THEN 1 END) AS n_negative,
        MAX(CASE WHEN is_all_zero THEN 1 ELSE 0 END) AS is_all_zero
    FROM gradient_attribution_{variant}
    WHERE window_start = :window_start
    GROUP BY session_id
)

SELECT session_id, n_events, total, n_negative
FROM per_session
WHERE n_negative > 0 OR is_all_zero = 0 AND (total IS NULL OR ABS(total - 1) > 0.0001)
ORDER BY session_id ASC
