-- Predicted and observed conversion by decile of the prediction (Wilson's 95 % interval); one row per decile.
WITH deciles AS (
    SELECT
        decile,
        COUNT(*) AS sessions,
        SUM(label) AS converted,
        AVG(conversion_probability) AS mean_probability
    FROM conversion_predictions_history
    WHERE window_start = :window_start
    GROUP BY decile
)

SELECT
    decile,
    sessions,
    converted,
    1.0 * converted / sessions AS conversion_rate,
    -- Where none converted the two terms are equal, but for the last digit.
    GREATEST(
        0.0,
        (1.0 * converted / sessions + 1.9208 / sessions) / (1 + 3.8416 / sessions)
        - 1.96 * SQRT(1.0 * converted / sessions * (1 - 1.0 * converted / sessions) / sessions + 0.9604 / (1.0 * sessions * sessions))
        / (1 + 3.8416 / sessions)
    ) AS conversion_rate_low,
    (1.0 * converted / sessions + 1.9208 / sessions) / (1 + 3.8416 / sessions)
        + 1.96 * SQRT(1.0 * converted / sessions * (1 - 1.0 * converted / sessions) / sessions + 0.9604 / (1.0 * sessions * sessions))
        / (1 + 3.8416 / sessions) AS conversion_rate_high,
    mean_probability
FROM deciles
ORDER BY decile
