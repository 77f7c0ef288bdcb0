-- The converted sessions of a risk set that has too few of them; one row per session.
WITH cases AS (
    SELECT
        session_id,
        user_id,
        n_no_funnel,
        COUNT(*) OVER () AS n_converted
    FROM risk_set
    WHERE window_start = :window_start AND in_risk_set AND label = 1
)

SELECT session_id, user_id, n_no_funnel
FROM cases
WHERE n_converted < :n_converted_min
ORDER BY session_id ASC
