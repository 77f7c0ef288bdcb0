-- Figures of learners that occur twice or cannot be; one row per learner and metric.
WITH {common_tables}

SELECT learner, metric, value, value_low, value_high, out_of_sample, over_random, over_random_low, over_random_high, beats_random
FROM metrics
WHERE place > 1 OR is_wrong = 1
ORDER BY learner ASC, metric ASC, place ASC
