-- Stores that events were about, with the latest name; one row per store and variant.
SELECT
    store_id,
    '{variant}' AS variant,
    MAX(store_name) AS store_name
FROM (
    SELECT
        store_id,
        store_name,
        ROW_NUMBER() OVER (PARTITION BY store_id ORDER BY window_start DESC, count DESC, store_name) AS recency
    FROM transformer_store_attribution_{variant}_history
    WHERE store_id IS NOT NULL
) AS named
WHERE recency = 1
GROUP BY store_id
