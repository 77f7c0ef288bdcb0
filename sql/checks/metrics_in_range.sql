-- How many rows of a model's metrics are repeated, incomplete or impossible; one row.
-- A sum of shares may miss 1 by a rounding error, and a resampled interval its estimate.
WITH placed AS (
    SELECT
        model,
        population,
        n_sessions,
        n_converted,
        prevalence,
        auc,
        auc_low,
        auc_high,
        average_precision,
        log_loss,
        brier,
        ece,
        CASE WHEN COUNT(*) OVER (PARTITION BY model, population) > 1 THEN 1 ELSE 0 END AS is_repeated,
        CASE
            WHEN model IS NULL OR population IS NULL OR n_sessions IS NULL OR n_converted IS NULL THEN 1 ELSE 0
        END AS is_missing,
        CASE
            WHEN
                prevalence < 0 OR prevalence > 1
                OR auc < 0 OR auc > 1.000001 OR auc_low > auc_high OR auc_low < -0.000001 OR auc_high > 1.000001
                OR average_precision < 0 OR average_precision > 1.000001
                OR log_loss < 0 OR brier < 0 OR brier > 1.000001 OR ece < 0 OR ece > 1.000001
                OR n_converted < 0 OR n_converted > n_sessions
                THEN 1
            ELSE 0
        END AS is_out_of_range
    FROM model_metrics_{variant}
    WHERE window_start = :window_start
)

SELECT
    COUNT(*) AS n_rows,
    COALESCE(SUM(is_repeated), 0) AS n_repeated,
    COALESCE(SUM(is_missing), 0) AS n_missing,
    COALESCE(SUM(is_out_of_range), 0) AS n_out_of_range
FROM placed
