-- How many predictors occur twice, have a metric out of range, or were measured on other journeys than there are; one row.
WITH counted AS (
    SELECT COUNT(*) AS n_journeys, COALESCE(SUM(label), 0) AS n_bought
    FROM ad_journeys
    WHERE window_start = :window_start
),

judged AS (
    SELECT
        journey_metrics.model,
        journey_metrics.n_journeys,
        journey_metrics.auc,
        journey_metrics.log_loss,
        CASE WHEN COUNT(*) OVER (PARTITION BY journey_metrics.model) > 1 THEN 1 ELSE 0 END AS is_repeated,
        CASE
            WHEN
                NOT COALESCE(journey_metrics.auc, 0.5) BETWEEN 0 AND 1
                OR NOT COALESCE(journey_metrics.average_precision, 0.5) BETWEEN 0 AND 1
                OR NOT COALESCE(journey_metrics.brier, 0.5) BETWEEN 0 AND 1
                OR NOT COALESCE(journey_metrics.ece, 0.5) BETWEEN 0 AND 1
                OR COALESCE(journey_metrics.log_loss, 0) < 0
                THEN 1
            ELSE 0
        END AS is_out_of_range,
        CASE
            WHEN
                journey_metrics.n_journeys <> counted.n_journeys OR journey_metrics.n_bought <> counted.n_bought
                THEN 1
            ELSE 0
        END AS is_of_others
    FROM journey_metrics
    CROSS JOIN counted
    WHERE journey_metrics.window_start = :window_start
)

SELECT
    COUNT(*) AS n_rows,
    COALESCE(SUM(is_repeated), 0) AS n_repeated,
    COALESCE(SUM(is_out_of_range), 0) AS n_out_of_range,
    COALESCE(SUM(is_of_others), 0) AS n_other_journeys
FROM judged
