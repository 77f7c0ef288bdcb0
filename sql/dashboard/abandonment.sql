-- What abandonment costs under stated assumptions, stage by stage; one row per stage.
SELECT
    stage,
    abandoned,
    abandoned_share,
    abandoned_share_low,
    abandoned_share_high,
    order_value_usd,
    recoverable_share,
    lost_revenue_usd,
    lost_revenue_low_usd,
    lost_revenue_high_usd,
    stage_order
FROM funnel_report_history
WHERE window_start = :window_start
ORDER BY stage_order
