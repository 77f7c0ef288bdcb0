-- How many rows of conversion_metrics are repeated, incomplete or impossible; one row.
WITH placed AS (
    SELECT
        feature_set,
        model,
        segment,
        metric,
        n_sessions,
        n_converted,
        value,
        value_low,
        value_high,
        CASE WHEN COUNT(*) OVER (PARTITION BY feature_set, model, segment, metric) > 1 THEN 1 ELSE 0 END AS is_repeated,
        CASE
            WHEN feature_set IS NULL OR model IS NULL OR segment IS NULL OR metric IS NULL OR n_sessions IS NULL OR value IS NULL THEN 1
            ELSE 0
        END AS is_missing,
        CASE
            WHEN
                value < 0 OR value > 1.000001 AND metric NOT IN ('log_loss', 'top_decile_lift')
                OR value - value <> 0 OR value_low > value_high OR n_converted < 0 OR n_converted > n_sessions
                OR prevalence < 0 OR prevalence > 1
                THEN 1
            ELSE 0
        END AS is_out_of_range
    FROM conversion_metrics
    WHERE window_start = :window_start
)

SELECT
    COUNT(*) AS n_rows,
    COALESCE(SUM(is_repeated), 0) AS n_repeated,
    COALESCE(SUM(is_missing), 0) AS n_missing,
    COALESCE(SUM(is_out_of_range), 0) AS n_out_of_range
FROM placed
