-- Mean centred effect of an event type at a store, with its standard error clustered by user (CR2); one row per event type and
-- store with the minimum number of users. Tells the findings where an effect holds; ordered by event type and store.
WITH user_sums AS (
    SELECT
        event_type,
        store_id,
        user_id,
        MAX(store_name) AS store_name,
        COUNT(*) AS n,
        SUM(centred_attribution) AS effect
    FROM gradient_attribution_{variant}
    WHERE
        window_start = :window_start AND in_risk_set
        AND gradient_attribution IS NOT NULL AND store_id IS NOT NULL
    GROUP BY event_type, store_id, user_id
),

residuals AS (
    SELECT
        user_sums.*,
        effect - n * (
            SUM(effect) OVER (PARTITION BY event_type, store_id) / SUM(n) OVER (PARTITION BY event_type, store_id)
        ) AS residual,
        SUM(n) OVER (PARTITION BY event_type, store_id) - n AS n_others
    FROM user_sums
)

SELECT
    event_type,
    store_id,
    MAX(store_name) AS store_name,
    SUM(effect) / SUM(n) AS mean_centred_effect,
    SQRT(SUM(residual * residual / NULLIF(n_others, 0)) / SUM(n)) AS standard_error,
    COUNT(*) AS users
FROM residuals
GROUP BY event_type, store_id
HAVING COUNT(*) >= :minimum_support
ORDER BY event_type ASC, store_id ASC
