-- Learners, rows that occur twice or have figures that cannot be, and how many learners are used; one row.
WITH metrics AS (
    SELECT
        learner,
        metric,
        value,
        value_low,
        value_high,
        out_of_sample,
        over_random,
        over_random_low,
        over_random_high,
        beats_random,
        is_used,
        ROW_NUMBER() OVER (PARTITION BY learner, metric ORDER BY value ASC) AS place,
        CASE
            WHEN value IS NULL OR out_of_sample IS NULL OR over_random IS NULL THEN 1
            WHEN over_random < over_random_low OR over_random > over_random_high THEN 1
            WHEN beats_random <> (over_random_low > 0) THEN 1
            WHEN splits < 2 OR value_low > value_high THEN 1
            ELSE 0
        END AS is_wrong
    FROM uplift_metrics
    WHERE window_start = :window_start
)

SELECT
    COUNT(DISTINCT learner) AS n_learners,
    COUNT(CASE WHEN place > 1 THEN 1 END) AS n_repeated,
    COALESCE(SUM(is_wrong), 0) AS n_wrong,
    COUNT(DISTINCT CASE WHEN is_used THEN learner END) AS n_used
FROM metrics
