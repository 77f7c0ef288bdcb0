-- How many methods are compared, how many pairs of them not exactly once, how many with figures out of range; one row.
WITH methods AS (
    SELECT COUNT(DISTINCT method) AS n_methods
    FROM method_comparison_{variant}
    WHERE window_start = :window_start
),

placed AS (
    SELECT
        granularity,
        method,
        other_method,
        rank_correlation,
        top_five_agreement,
        seconds_per_1000_sessions,
        sessions,
        residual_median,
        residual_max,
        share_over_bound,
        COUNT(*) OVER (PARTITION BY granularity, method, other_method) AS n_same,
        COUNT(*) OVER (PARTITION BY granularity, method) AS n_others
    FROM method_comparison_{variant}
    WHERE window_start = :window_start
),

judged AS (
    SELECT
        placed.*,
        CASE
            WHEN n_same > 1 OR method = other_method OR n_others <> n_methods - 1 THEN 1
            ELSE 0
        END AS is_not_once,
        CASE
            WHEN
                COALESCE(rank_correlation, 0) - COALESCE(rank_correlation, 0) = 0
                AND COALESCE(rank_correlation, 0) >= -1 AND COALESCE(rank_correlation, 0) <= 1
                AND COALESCE(top_five_agreement, 0) - COALESCE(top_five_agreement, 0) = 0
                AND COALESCE(top_five_agreement, 0) >= 0 AND COALESCE(top_five_agreement, 0) <= 1
                AND seconds_per_1000_sessions - seconds_per_1000_sessions = 0 AND seconds_per_1000_sessions >= 0
                AND sessions >= 1
                AND COALESCE(residual_median, 0) >= 0 AND COALESCE(residual_max, 0) >= COALESCE(residual_median, 0)
                AND COALESCE(share_over_bound, 0) >= 0 AND COALESCE(share_over_bound, 0) <= 1
                THEN 0
            ELSE 1
        END AS is_out_of_range
    FROM placed
    CROSS JOIN methods
)

SELECT
    COUNT(DISTINCT method) AS sql_methods,
    COUNT(CASE WHEN is_not_once = 1 THEN 1 END) AS n_not_once,
    COUNT(CASE WHEN is_out_of_range = 1 THEN 1 END) AS n_out_of_range
FROM judged
