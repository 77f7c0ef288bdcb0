-- How many features occur twice, or have an effect that is none; one row.
WITH judged AS (
    SELECT
        feature,
        value,
        method,
        mean_effect,
        occurrences,
        CASE WHEN COUNT(*) OVER (PARTITION BY feature, value, method) > 1 THEN 1 ELSE 0 END AS is_repeated,
        CASE
            WHEN mean_effect IS NULL OR NOT ABS(mean_effect) < 1000 OR occurrences < 1 THEN 1 ELSE 0
        END AS is_wrong
    FROM feature_importance
    WHERE window_start = :window_start
)

SELECT
    COUNT(*) AS n_rows,
    COALESCE(SUM(is_repeated), 0) AS n_repeated,
    COALESCE(SUM(is_wrong), 0) AS n_wrong
FROM judged
