-- Predicted and observed conversion by decile of the prediction (Wilson's 95 % interval); one row per decile.
WITH deciles AS (
    SELECT
        decile,
        COUNT(*) AS sessions,
        SUM(label) AS converted,
        CAST(COUNT(*) AS DOUBLE) AS n,  -- a quotient of whole numbers has other digits in each engine
        CAST(SUM(label) AS DOUBLE) / COUNT(*) AS conversion_rate,
        AVG(conversion_probability) AS mean_probability
    FROM conversion_predictions_history
    WHERE window_start = :window_start
    GROUP BY decile
)

SELECT
    decile,
    sessions,
    converted,
    conversion_rate,
    -- Where none converted the two terms are equal, but for the last digit.
    GREATEST(
        0.0,
        (conversion_rate + 1.9208 / n) / (1 + 3.8416 / n)
        - 1.96 * SQRT(conversion_rate * (1 - conversion_rate) / n + 0.9604 / (n * n)) / (1 + 3.8416 / n)
    ) AS conversion_rate_low,
    (conversion_rate + 1.9208 / n) / (1 + 3.8416 / n)
        + 1.96 * SQRT(conversion_rate * (1 - conversion_rate) / n + 0.9604 / (n * n)) / (1 + 3.8416 / n) AS conversion_rate_high,
    mean_probability
FROM deciles
ORDER BY decile
