-- What contacting each share brings and costs; one row per window and targeted share.
SELECT
    window_start,
    targeted_share,
    targeted_units,
    incremental_conversions,
    incremental_conversions_low,
    incremental_conversions_high,
    revenue_usd,
    cost_usd,
    profit_usd,
    profit_usd_low,
    profit_usd_high,
    roi,
    is_recommended
FROM roi_simulation_history
