-- Purchases that each campaign added; one row per window and campaign, and one for all ads.
SELECT
    window_start,
    campaign_id,
    purchases_added,
    effect_low,
    effect_high,
    impressions,
    cost_usd,
    cost_per_purchase_usd
FROM ad_counterfactuals_history
