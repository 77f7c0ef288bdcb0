-- Rows of a model's metrics that are repeated, incomplete or impossible; one row each.
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
    ece
FROM placed
WHERE
    n_same > 1
    OR model IS NULL OR population IS NULL OR n_sessions IS NULL OR n_converted IS NULL
    OR prevalence < 0 OR prevalence > 1
    OR auc < 0 OR auc > 1 OR auc_low > auc OR auc > auc_high OR auc_low < 0 OR auc_high > 1
    OR average_precision < 0 OR average_precision > 1
    OR log_loss < 0 OR brier < 0 OR brier > 1 OR ece < 0 OR ece > 1
    OR n_converted < 0 OR n_converted > n_sessions
ORDER BY population ASC, model ASC, auc ASC, n_sessions ASC
