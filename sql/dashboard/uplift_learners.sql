-- How well each learner tells whom the treatment moves, beside chance; one row per learner and metric.
SELECT
    learner,
    metric,
    value,
    value_low,
    value_high,
    out_of_sample,
    out_of_sample_low,
    out_of_sample_high,
    over_random,
    over_random_low,
    over_random_high,
    beats_random,
    is_used
FROM uplift_metrics_history
WHERE window_start = :window_start
ORDER BY metric, over_random DESC NULLS LAST, learner
