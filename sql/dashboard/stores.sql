-- Effect of an event at each store, those with support first, the largest first; one row per store.
WITH stores AS (
    SELECT
        store_id,
        MAX(store_name) AS store_name,
        MAX(mean_centred_effect) AS mean_centred_effect,
        MAX(effect_low) AS effect_low,
        MAX(effect_high) AS effect_high,
        MAX(q_value) AS q_value,
        MAX(signal_strength) AS signal_strength,
        MAX(occurrences) AS occurrences,
        MAX(users) AS users,
        MAX(CASE WHEN has_minimum_support THEN 1 ELSE 0 END) = 1 AS has_minimum_support,
        MAX(driver_rank) AS driver_rank
    FROM transformer_store_attribution_{variant}_history
    WHERE window_start = :window_start AND store_id IS NOT NULL
    GROUP BY store_id
)

SELECT
    store_id,
    store_name,
    mean_centred_effect,
    effect_low,
    effect_high,
    q_value,
    signal_strength,
    occurrences,
    users,
    has_minimum_support,
    driver_rank,
    COUNT(*) OVER () AS total_rows
FROM stores
ORDER BY has_minimum_support DESC NULLS LAST, ABS(mean_centred_effect) DESC NULLS LAST, store_id
LIMIT :rows OFFSET :skip
