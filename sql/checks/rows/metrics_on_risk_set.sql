-- Predictors that were measured on another number of sessions than Python counted; one row per predictor.
SELECT model, n_sessions, n_converted
FROM model_metrics_{variant}
WHERE window_start = :window_start AND population = 'all' AND n_sessions <> :in_risk_set
ORDER BY model ASC
