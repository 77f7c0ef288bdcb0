-- How many sessions touch each stage, and how many are lost; one row per stage.
SELECT
    stage,
    sessions,
    rate,
    drop_off,
    sessions_lost,
    is_largest_drop,
    stage_order
FROM funnel_metrics_history
WHERE window_start = :window_start
ORDER BY stage_order
