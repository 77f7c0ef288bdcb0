-- The strongest reason of targeted sessions, by how many have it; one row per risk segment and reason.
SELECT
    risk_segment,
    reason_1,
    COUNT(*) AS sessions,
    SUM(label) AS converted
FROM conversion_predictions_history
WHERE window_start = :window_start AND reason_1 IS NOT NULL
GROUP BY risk_segment, reason_1
ORDER BY sessions DESC, risk_segment, reason_1
LIMIT 20
