-- How well recommendations made before the window foresee it, beside baselines; one row per method, cutoff and metric.
SELECT
    method,
    cutoff,
    metric,
    value,
    value_low,
    value_high,
    gain_low,
    gain_high,
    n_customers,
    is_default
FROM recommendation_metrics_history
WHERE window_start = :window_start
ORDER BY metric, cutoff, value DESC NULLS LAST, method
