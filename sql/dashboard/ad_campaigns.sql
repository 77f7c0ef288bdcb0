-- What each campaign added to purchases, by the adjusted journey model; one row per campaign, and one for all ads.
SELECT
    campaign_id,
    purchases_added,
    effect_low,
    effect_high,
    removed_dropped,
    removed_masked,
    interaction,
    journeys,
    impressions,
    cost_usd,
    cost_per_purchase_usd,
    is_negative_control
FROM ad_counterfactuals_history
WHERE window_start = :window_start
ORDER BY purchases_added DESC NULLS LAST, campaign_id
