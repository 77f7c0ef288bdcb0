-- How many figures of recommendations there are, repeated or impossible; one row.
WITH judged AS (
    SELECT
        method,
        cutoff,
        metric,
        value,
        is_default,
        CASE WHEN COUNT(*) OVER (PARTITION BY method, cutoff, metric) > 1 THEN 1 ELSE 0 END AS is_repeated,
        CASE
            WHEN
                COALESCE(value, 0.5) BETWEEN 0 AND 1
                AND COALESCE(value_low, 0) <= COALESCE(value_high, 1)
                AND COALESCE(gain_low, -1) <= COALESCE(gain_high, 1)
                THEN 0
            ELSE 1
        END AS is_out_of_range
    FROM recommendation_metrics
    WHERE window_start = :window_start
)

SELECT
    COUNT(*) AS n_rows,
    COALESCE(SUM(is_repeated), 0) AS n_repeated,
    COALESCE(SUM(is_out_of_range), 0) AS n_out_of_range,
    COUNT(DISTINCT CASE WHEN is_default THEN method END) AS n_defaults
FROM judged
