-- How many sessions touch each stage in every published window up to this one; one row per window and stage.
SELECT
    window_start AS window_date,
    stage,
    sessions,
    rate,
    drop_off,
    stage_order
FROM funnel_metrics_history
WHERE window_start <= :window_start
ORDER BY stage_order, window_date
