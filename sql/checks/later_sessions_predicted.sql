-- How many of the later sessions are not predicted exactly once, or with an impossible figure; one row.
WITH sides AS (
    SELECT
        session_id,
        1 AS n_known,
        0 AS n_predicted,
        CASE WHEN is_converted THEN 1 ELSE 0 END AS label,
        0 AS predicted_label,
        0 AS is_impossible
    FROM session_outcomes
    WHERE window_start = :window_start AND is_later
    UNION ALL
    SELECT
        session_id,
        0 AS n_known,
        1 AS n_predicted,
        0 AS label,
        label AS predicted_label,
        CASE
            WHEN
                conversion_probability - conversion_probability = 0
                AND conversion_probability > 0 AND conversion_probability < 1
                AND decile >= 1 AND decile <= 10
                AND risk_segment = CASE WHEN decile = 1 THEN 'high' WHEN decile <= 4 THEN 'medium' ELSE 'low' END
                AND (is_targeted OR reason_1 IS NULL)
                THEN 0
            ELSE 1
        END AS is_impossible
    FROM conversion_predictions
    WHERE window_start = :window_start
),

compared AS (
    SELECT
        session_id,
        SUM(n_known) AS n_known,
        SUM(n_predicted) AS n_predicted,
        SUM(label) AS label,
        SUM(predicted_label) AS predicted_label,
        SUM(is_impossible) AS is_impossible
    FROM sides
    GROUP BY session_id
)

SELECT
    COALESCE(SUM(CASE WHEN n_known = 1 AND n_predicted = 1 AND label = predicted_label THEN 0 ELSE 1 END), 0)
        AS n_not_once,
    COALESCE(SUM(is_impossible), 0) AS n_impossible
FROM compared
