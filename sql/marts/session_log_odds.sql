-- Explained sessions by the log-odds of converting that the model gives them, to a tenth; one row per tenth. Tells the findings
-- how much sessions differ, and with it what an effect on log-odds comes to in the conversion rate.
SELECT
    ROUND(LN(probability / (1 - probability)), 1) AS log_odds,
    COUNT(*) AS n_sessions
FROM gradient_attribution_{variant}
WHERE window_start = :window_start AND event_position = 0 AND probability > 0 AND probability < 1
GROUP BY ROUND(LN(probability / (1 - probability)), 1)
ORDER BY log_odds ASC
