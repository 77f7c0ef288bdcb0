-- Rows of a model's metrics that are repeated, incomplete or impossible; one row each.
WITH {common_tables}

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
WHERE is_repeated = 1 OR is_missing = 1 OR is_out_of_range = 1
ORDER BY population ASC, model ASC, auc ASC, n_sessions ASC
