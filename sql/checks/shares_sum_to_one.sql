-- How many sessions have shares that don't sum to 1, and how many events a negative share; one row.
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
),

compared AS (
    SELECT
        session_id,
        n_events,
        total,
        n_negative,
        is_all_zero,
        CASE WHEN is_all_zero = 0 AND (total IS NULL OR ABS(total - 1) > 0.0001) THEN 1 ELSE 0 END AS is_wrong_sum
    FROM per_session
)

SELECT
    COUNT(*) AS n_sessions,
    COALESCE(SUM(is_wrong_sum), 0) AS n_wrong_sums,
    COALESCE(SUM(n_negative), 0) AS n_negative,
    COALESCE(SUM(is_all_zero), 0) AS n_all_zero
FROM compared
