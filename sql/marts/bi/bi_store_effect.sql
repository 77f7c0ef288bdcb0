-- Effect of an event at each store; one row per window, variant and store.
SELECT
    window_start,
    '{variant}' AS variant,
    store_id,
    MAX(mean_centred_effect) AS mean_centred_effect,
    MAX(effect_low) AS effect_low,
    MAX(effect_high) AS effect_high,
    MAX(q_value) AS q_value,
    MAX(signal_strength) AS signal_strength,
    MAX(occurrences) AS occurrences,
    MAX(users) AS users,
    MAX(CASE WHEN has_minimum_support THEN 1 ELSE 0 END) = 1 AS has_minimum_support
FROM transformer_store_attribution_{variant}_history
WHERE store_id IS NOT NULL
GROUP BY window_start, store_id
