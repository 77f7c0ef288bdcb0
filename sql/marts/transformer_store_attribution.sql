-- Mean attribution of events at a store in converted sessions (label 1) and in others (label 0); one row per store and label.
-- mean_centred_effect and what follows it hold for both labels together and are the same on both rows of a store. Events
-- without a store form a NULL store, so that counts add up; it is never ranked. Standard error clustered by user.
WITH occurrences AS (
    SELECT
        store_id,
        store_name,
        session_id,
        user_id,
        label,
        gradient_attribution,
        signed_attribution,
        centred_attribution,
        relative_attribution
    FROM gradient_attribution_{variant}
    WHERE window_start = :window_start AND in_risk_set AND gradient_attribution IS NOT NULL
),

means AS (
    SELECT
        store_id,
        store_name,
        label,
        AVG(gradient_attribution) AS mean_share,
        AVG(signed_attribution) AS signed_mean,
        AVG(centred_attribution) AS centred_mean,
        AVG(relative_attribution) AS relative_mean,
        COUNT(*) AS n,
        COUNT(DISTINCT session_id) AS sessions
    FROM occurrences
    GROUP BY store_id, store_name, label
),

user_sums AS (
    SELECT store_id, store_name, user_id, COUNT(*) AS n, SUM(centred_attribution) AS effect
    FROM occurrences
    GROUP BY store_id, store_name, user_id
),

residuals AS (
    SELECT
        store_id,
        store_name,
        n,
        effect,
        effect - n * (
            SUM(effect) OVER (PARTITION BY store_id, store_name) / SUM(n) OVER (PARTITION BY store_id, store_name)
        ) AS residual
    FROM user_sums
),

effects AS (
    SELECT
        store_id,
        store_name,
        SUM(effect) / SUM(n) AS mean_centred_effect,
        SQRT(SUM(residual * residual) * COUNT(*) / NULLIF(COUNT(*) - 1, 0)) / SUM(n) AS standard_error,
        CAST(SUM(n) AS BIGINT) AS occurrences,
        COUNT(*) AS users,
        COUNT(*) >= :minimum_support AS has_minimum_support,
        COUNT(*) >= :minimum_support AND (store_id IS NOT NULL OR store_name IS NOT NULL) AS is_ranked
    FROM residuals
    GROUP BY store_id, store_name
)

SELECT
    CAST(:window_start AS TIMESTAMP_NTZ) AS window_start,
    means.store_id,
    means.store_name,
    means.label,
    means.mean_share AS mean,
    means.n AS count,
    means.signed_mean,
    means.centred_mean,
    means.relative_mean,
    means.sessions,
    effects.mean_centred_effect,
    effects.standard_error,
    effects.mean_centred_effect - 1.96 * effects.standard_error AS effect_low,
    effects.mean_centred_effect + 1.96 * effects.standard_error AS effect_high,
    effects.occurrences,
    effects.users,
    effects.has_minimum_support,
    CASE
        WHEN effects.is_ranked THEN DENSE_RANK() OVER (
            PARTITION BY effects.is_ranked
            ORDER BY
                effects.mean_centred_effect DESC NULLS LAST,
                means.store_id ASC NULLS LAST,
                means.store_name ASC NULLS LAST
        )
    END AS driver_rank
FROM means
JOIN effects
    ON effects.store_id IS NOT DISTINCT FROM means.store_id
    AND effects.store_name IS NOT DISTINCT FROM means.store_name
