-- Sessions by predicted risk segment, with the rate at which they converted (Wilson's 95 % interval); one row per segment.
WITH segments AS (
    SELECT
        risk_segment,
        COUNT(*) AS sessions,
        SUM(label) AS converted,
        CAST(COUNT(*) AS DOUBLE) AS n,  -- a quotient of whole numbers has other digits in each engine
        CAST(SUM(label) AS DOUBLE) / COUNT(*) AS conversion_rate,
        AVG(conversion_probability) AS mean_probability,
        MIN(conversion_probability) AS lowest_probability,
        MAX(conversion_probability) AS highest_probability,
        SUM(CASE WHEN is_targeted THEN 1 ELSE 0 END) AS targeted,
        MIN(decile) AS first_decile
    FROM conversion_predictions_history
    WHERE window_start = :window_start
    GROUP BY risk_segment
)

SELECT
    risk_segment,
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
    mean_probability,
    lowest_probability,
    highest_probability,
    targeted
FROM segments
ORDER BY first_decile, risk_segment
