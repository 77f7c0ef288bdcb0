-- Sessions with a probability that is none, or a logit that is no finite number; one row per session, probability and logit.
SELECT session_id, probability, logit, COUNT(*) AS n_events
FROM gradient_attribution_{variant}
WHERE
    window_start = :window_start
    AND CASE WHEN probability >= 0 AND probability <= 1 AND ABS(logit) < 1e9 THEN 0 ELSE 1 END = 1
GROUP BY session_id, probability, logit
ORDER BY session_id ASC, probability ASC, logit ASC
