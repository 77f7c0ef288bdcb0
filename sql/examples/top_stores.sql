-- The stores whose events weigh most in converted sessions of the latest published window; one row per store.
SELECT
    store_id,
    store_name,
    mean,
    count
FROM transformer_store_attribution_no_funnel
WHERE label = 1
ORDER BY mean DESC
LIMIT 20
