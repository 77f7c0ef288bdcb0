-- Mean attribution of an event type in converted and in other sessions, and the mean centred effect that ranks it;
-- one row per event type. The standard error is that of a ratio of sums over users: events of one user hang together.
WITH occurrences AS (
    SELECT
        event_type,
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
        event_type,
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
    GROUP BY event_type
),

user_sums AS (
    SELECT event_type, user_id, COUNT(*) AS n, SUM(centred_attribution) AS effect
    FROM occurrences
    GROUP BY event_type, user_id
),

residuals AS (
    SELECT
        event_type,
        n,
        effect,
        effect - n * (
            SUM(effect) OVER (PARTITION BY event_type) / SUM(n) OVER (PARTITION BY event_type)
        ) AS residual
    FROM user_sums
),

effects AS (
    SELECT
        event_type,
        SUM(effect) / SUM(n) AS mean_centred_effect,
        SQRT(SUM(residual * residual) * COUNT(*) / NULLIF(COUNT(*) - 1, 0)) / SUM(n) AS standard_error,
        CAST(SUM(n) AS BIGINT) AS occurrences,
        COUNT(*) AS users,
        COUNT(*) >= :minimum_support AS has_minimum_support
    FROM residuals
    GROUP BY event_type
)

SELECT
    CAST(:window_start AS TIMESTAMP_NTZ) AS window_start,
    means.event_type,
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
    COALESCE(event_roles.is_funnel, FALSE) AS is_funnel,
    effects.has_minimum_support,
    CASE
        WHEN effects.has_minimum_support THEN ROW_NUMBER() OVER (
            PARTITION BY effects.has_minimum_support
            ORDER BY effects.mean_centred_effect DESC NULLS LAST, means.event_type ASC
        )
    END AS driver_rank
FROM means
JOIN effects
    ON effects.event_type = means.event_type
LEFT JOIN event_roles ON event_roles.event_type = means.event_type
