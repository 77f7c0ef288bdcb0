-- Published windows of sessions; one row per window.
SELECT
    window_start,
    MAX(sessions) AS largest_stage_sessions
FROM funnel_metrics_history
GROUP BY window_start
