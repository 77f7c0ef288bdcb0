-- How well conversion is predicted, beside simple predictors, over all sessions; one row per feature set, model and metric.
SELECT
    feature_set,
    model,
    metric,
    value,
    value_low,
    value_high,
    gain,
    gain_low,
    gain_high,
    n_sessions,
    is_chosen
FROM conversion_metrics_history
WHERE window_start = :window_start AND segment = 'all'
ORDER BY feature_set DESC, metric, is_chosen DESC NULLS LAST, model
