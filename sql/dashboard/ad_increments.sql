-- Purchases that ads added, by estimators that trust different things; one row per campaign, and for all ads, and estimator.
SELECT
    campaign_id,
    estimator,
    purchases_added,
    standard_error,
    effect_low,
    effect_high,
    is_negative_control,
    trusts
FROM ad_increments_history
WHERE window_start = :window_start
ORDER BY campaign_id, estimator
