-- The feature behind the strongest reason of targeted sessions (feature = value (effect)); one row per risk segment and feature.
WITH reasons AS (
    SELECT
        risk_segment,
        SPLIT_PART(reason_1, ' = ', 1) AS feature,
        label,
        conversion_probability
    FROM conversion_predictions_history
    WHERE window_start = :window_start AND reason_1 IS NOT NULL
)

SELECT
    risk_segment,
    feature,
    COUNT(*) AS sessions,
    SUM(label) AS converted,
    AVG(conversion_probability) AS mean_probability
FROM reasons
GROUP BY risk_segment, feature
ORDER BY sessions DESC, risk_segment, feature
