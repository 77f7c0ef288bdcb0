-- Purchases that ads added, by estimator; one row per window, campaign and estimator.
SELECT
    window_start,
    campaign_id,
    estimator,
    purchases_added,
    effect_low,
    effect_high
FROM ad_increments_history
