-- Sessions that touch each stage, and those lost before it; one row per window and stage.
SELECT
    window_start,
    stage,
    stage_order,
    sessions,
    rate,
    drop_off,
    sessions_lost,
    is_largest_drop
FROM funnel_metrics_history
