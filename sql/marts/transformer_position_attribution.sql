-- Mean attribution of early and late events of a session, and the mean centred effect that ranks them; one row per
-- position bin. Bins count from 1 (event_position from 0); 50+ begins at the 51st event. Standard error clustered by user.
WITH occurrences AS (
    SELECT
        CASE
            WHEN event_position < 5 THEN 1
            WHEN event_position < 10 THEN 2
            WHEN event_position < 20 THEN 3
            WHEN event_position < 50 THEN 4
            ELSE 5
        END AS bin_order,
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
        bin_order,
        AVG(CASE WHEN label = 0 THEN gradient_attribution END) AS not_converted,
        AVG(CASE WHEN label = 1 THEN gradient_attribution END) AS converted,
        AVG(CASE WHEN label = 0 THEN signed_attribution END) AS signed_not_converted,
        AVG(CASE WHEN label = 1 THEN signed_attribution END) AS signed_converted,
        AVG(CASE WHEN label = 0 THEN centred_attribution END) AS centred_not_converted,
        AVG(CASE WHEN label = 1 THEN centred_attribution END) AS centred_converted,
        AVG(CASE WHEN label = 0 THEN relative_attribution END) AS relative_not_converted,
        AVG(CASE WHEN label = 1 THEN relative_attribution END) AS relative_converted,
        COUNT(DISTINCT session_id) AS sessions
    FROM occurrences
    GROUP BY bin_order
),

user_sums AS (
    SELECT bin_order, user_id, COUNT(*) AS n, SUM(centred_attribution) AS effect
    FROM occurrences
    GROUP BY bin_order, user_id
),

residuals AS (
    SELECT
        bin_order,
        n,
        effect,
        effect - n * (
            SUM(effect) OVER (PARTITION BY bin_order) / SUM(n) OVER (PARTITION BY bin_order)
        ) AS residual
    FROM user_sums
),

effects AS (
    SELECT
        bin_order,
        SUM(effect) / SUM(n) AS mean_centred_effect,
        SQRT(SUM(residual * residual) * COUNT(*) / NULLIF(COUNT(*) - 1, 0)) / SUM(n) AS standard_error,
        CAST(SUM(n) AS BIGINT) AS occurrences,
        COUNT(*) AS users,
        COUNT(*) >= :minimum_support AS has_minimum_support
    FROM residuals
    GROUP BY bin_order
)

SELECT
    CAST(:window_start AS TIMESTAMP_NTZ) AS window_start,
    CASE means.bin_order
        WHEN 1 THEN '1-5' WHEN 2 THEN '6-10' WHEN 3 THEN '11-20' WHEN 4 THEN '21-50' ELSE '50+'
    END AS position_bin,
    means.not_converted,
    means.converted,
    means.converted - means.not_converted AS attribution_lift,
    means.signed_not_converted,
    means.signed_converted,
    means.signed_converted - means.signed_not_converted AS signed_lift,
    means.centred_not_converted,
    means.centred_converted,
    means.centred_converted - means.centred_not_converted AS centred_lift,
    means.relative_not_converted,
    means.relative_converted,
    means.relative_converted - means.relative_not_converted AS relative_lift,
    effects.mean_centred_effect,
    effects.standard_error,
    effects.mean_centred_effect - 1.96 * effects.standard_error AS effect_low,
    effects.mean_centred_effect + 1.96 * effects.standard_error AS effect_high,
    effects.occurrences,
    means.sessions,
    effects.users,
    means.bin_order,
    effects.has_minimum_support,
    CASE
        WHEN effects.has_minimum_support THEN ROW_NUMBER() OVER (
            PARTITION BY effects.has_minimum_support
            ORDER BY effects.mean_centred_effect DESC NULLS LAST, means.bin_order ASC
        )
    END AS driver_rank
FROM means
JOIN effects
    ON effects.bin_order = means.bin_order
