-- Mean effect of an impression by ad type, place, gap and click; one row per dimension and value.
SELECT
    dimension,
    value,
    mean_effect,
    effect_low,
    effect_high,
    impressions,
    purchases_added
FROM ad_responses_history
WHERE window_start = :window_start
ORDER BY dimension, value
