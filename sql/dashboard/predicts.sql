-- How well the model predicts, beside simple predictors; one row per predictor and population.
SELECT
    model,
    population,
    auc,
    auc_low,
    auc_high,
    auc_gain,
    auc_gain_low,
    auc_gain_high,
    log_loss,
    ece,
    n_sessions,
    n_converted
FROM model_metrics_{variant}_history
WHERE window_start = :window_start
ORDER BY population, auc DESC NULLS LAST, model
