-- On how many sessions the predictors were measured, the fewest and the most; one row.
SELECT
    COUNT(*) AS n_predictors,
    MIN(n_sessions) AS fewest_sessions,
    MAX(n_sessions) AS most_sessions
FROM model_metrics_{variant}
WHERE window_start = :window_start AND population = 'all'
