-- How well journeys with a purchase are told from others, beside simple predictors; one row per predictor.
SELECT
    model,
    auc,
    average_precision,
    log_loss,
    brier,
    ece,
    predicted_purchases,
    n_bought,
    n_journeys
FROM journey_metrics_history
WHERE window_start = :window_start
ORDER BY auc DESC NULLS LAST, model
