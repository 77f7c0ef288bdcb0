-- How many sessions touch each stage, how many are lost, and what that costs under assumptions; one row per stage.
SELECT
    stages.stage,
    stages.sessions,
    stages.rate,
    stages.drop_off,
    stages.sessions_lost,
    stages.is_largest_drop,
    costs.abandoned_share,
    costs.abandoned_share_low,
    costs.abandoned_share_high,
    costs.order_value_usd,
    costs.recoverable_share,
    costs.lost_revenue_usd,
    costs.lost_revenue_low_usd,
    costs.lost_revenue_high_usd,
    stages.stage_order
FROM funnel_metrics_history AS stages
LEFT JOIN funnel_report_history AS costs
    ON costs.window_start = stages.window_start
    AND costs.stage = stages.stage
WHERE stages.window_start = :window_start
ORDER BY stages.stage_order
