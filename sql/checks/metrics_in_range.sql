-- How many rows of a model's metrics are repeated, incomplete or impossible; one row.
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
        COUNT(*) OVER (PARTITION BY model, population) AS n_same
    FROM model_metrics_{variant}
    WHERE window_start = :window_start
)

SELECT
    COUNT(*) AS n_rows,
    COUNT(CASE WHEN n_same > 1 THEN 1 END) AS n_repeated,
    COUNT(CASE WHEN model IS NULL OR population IS NULL OR n_sessions IS NULL OR n_converted IS NULL THEN 1 END) AS n_missing,
    COUNT(
        CASE
            WHEN
                prevalence < 0 OR prevalence > 1
                OR auc < 0 OR auc > 1 OR auc_low > auc OR auc > auc_high OR auc_low < 0 OR auc_high > 1
                OR average_precision < 0 OR average_precision > 1
                OR log_loss < 0 OR brier < 0 OR brier > 1 OR ece < 0 OR ece > 1
                OR n_converted < 0 OR n_converted > n_sessions
                THEN 1
        END
    ) AS n_out_of_range
FROM placed
