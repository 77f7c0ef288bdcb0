-- What contacting each share brings and costs, with intervals; one row per targeted share.
SELECT
    targeted_share,
    targeted_units,
    uplift,
    uplift_low,
    uplift_high,
    incremental_conversions,
    incremental_conversions_low,
    incremental_conversions_high,
    revenue_usd,
    cost_usd,
    profit_usd,
    profit_usd_low,
    profit_usd_high,
    roi,
    roi_low,
    roi_high,
    is_recommended
FROM roi_simulation_history
WHERE window_start = :window_start
ORDER BY targeted_share
