-- How many models have deciles whose sessions and conversions are not those of their metrics, or that have a wrong rate; one row.
WITH measured AS (
    SELECT
        feature_set,
        model,
        MAX(n_sessions) AS n_sessions,
        MAX(n_converted) AS n_converted
    FROM conversion_metrics
    WHERE
        window_start = :window_start AND segment = 'all' AND model NOT IN ('length', 'base_rate', 'adversarial')
    GROUP BY feature_set, model
),

summed AS (
    SELECT
        feature_set,
        model,
        SUM(n_sessions) AS n_sessions,
        SUM(n_converted) AS n_converted,
        COUNT(*) - COUNT(DISTINCT decile) AS n_repeated,
        COUNT(CASE WHEN ABS(conversion_rate * n_sessions - n_converted) > 0.000001 THEN 1 END) AS n_wrong_rates
    FROM conversion_deciles
    WHERE window_start = :window_start
    GROUP BY feature_set, model
),

compared AS (
    SELECT
        summed.feature_set AS feature_set,
        summed.model AS model,
        summed.n_sessions AS n_sessions,
        measured.n_sessions AS measured_sessions,
        summed.n_converted AS n_converted,
        measured.n_converted AS measured_converted,
        summed.n_repeated AS n_repeated,
        summed.n_wrong_rates AS n_wrong_rates
    FROM summed
    -- With too few sessions of a class there are no metrics to compare with.
    LEFT JOIN measured ON summed.feature_set = measured.feature_set AND summed.model = measured.model
),

wrong AS (
    SELECT *
    FROM compared
    WHERE
        n_sessions <> measured_sessions OR n_converted <> measured_converted
        OR n_repeated > 0 OR n_wrong_rates > 0
)

SELECT COUNT(*) AS n_wrong_models
FROM wrong
