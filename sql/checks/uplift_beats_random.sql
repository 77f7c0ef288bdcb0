-- How far the Qini of the learner that is used lies above that of a random score, at the lower end of its interval; one row.
WITH used AS (
    SELECT learner, metric, over_random, over_random_low, over_random_high
    FROM uplift_metrics
    WHERE window_start = :window_start AND metric = 'qini' AND is_used
)

SELECT MIN(over_random_low) AS over_random_low
FROM used
