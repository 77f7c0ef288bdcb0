-- The window's funnel as a person reads it, from the first stage to the last; one row per stage.
SELECT
    stage,
    sessions,
    rate,
    drop_off,
    is_largest_drop
FROM funnel_metrics
WHERE window_start = :window_start
ORDER BY stage_order
