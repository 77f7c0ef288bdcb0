-- How much of an event type's lift, and of its effect, comes from letting the model see the funnel; one row per event type
-- of either variant. A funnel event has no lift without the funnel (NULL, counted as 0 in leakage_amount). The error of the
-- change of effects is that of a difference of ratios of sums over users (CR2), and a user is one in both variants. p and q
-- follow from it (core/uncertainty.py).
WITH occurrences AS (
    SELECT event_type, user_id, 0 AS sees_funnel, centred_attribution AS effect
    FROM gradient_attribution_no_funnel
    WHERE window_start = :window_start AND in_risk_set AND gradient_attribution IS NOT NULL
    UNION ALL
    SELECT event_type, user_id, 1 AS sees_funnel, centred_attribution AS effect
    FROM gradient_attribution_with_funnel
    WHERE window_start = :window_start AND in_risk_set AND gradient_attribution IS NOT NULL
),

user_sums AS (
    SELECT
        event_type,
        user_id,
        SUM(1 - sees_funnel) AS n_plain,
        SUM(sees_funnel) AS n_leaky,
        SUM((1 - sees_funnel) * effect) AS effect_plain,
        SUM(sees_funnel * effect) AS effect_leaky
    FROM occurrences
    GROUP BY event_type, user_id
),

totals AS (
    SELECT
        event_type,
        COUNT(CASE WHEN n_plain > 0 THEN 1 END) >= :minimum_support
        AND COUNT(CASE WHEN n_leaky > 0 THEN 1 END) >= :minimum_support AS has_minimum_support,
        SUM(n_plain) AS n_plain,
        SUM(n_leaky) AS n_leaky,
        SUM(effect_plain) / NULLIF(SUM(n_plain), 0) AS effect_plain,
        SUM(effect_leaky) / NULLIF(SUM(n_leaky), 0) AS effect_leaky
    FROM user_sums
    GROUP BY event_type
),

-- What each user adds to the deviation of the change (linearised), enlarged for the user's own pull on either mean. NULL for
-- a side with one user, or none.
residuals AS (
    SELECT
        totals.event_type,
        totals.has_minimum_support,
        (user_sums.effect_leaky - totals.effect_leaky * user_sums.n_leaky)
        / SQRT(NULLIF(totals.n_leaky * (totals.n_leaky - user_sums.n_leaky), 0))
        - (user_sums.effect_plain - totals.effect_plain * user_sums.n_plain)
        / SQRT(NULLIF(totals.n_plain * (totals.n_plain - user_sums.n_plain), 0)) AS of_change
    FROM user_sums
    INNER JOIN totals ON totals.event_type = user_sums.event_type
),

errors AS (
    SELECT
        event_type,
        has_minimum_support,
        CASE WHEN COUNT(of_change) = COUNT(*) THEN SQRT(SUM(of_change * of_change)) END AS effect_change_error
    FROM residuals
    GROUP BY event_type, has_minimum_support
),

plain AS (
    SELECT event_type, attribution_lift, mean_centred_effect, driver_rank, is_funnel
    FROM transformer_event_attribution_no_funnel
    WHERE window_start = :window_start
),

leaky AS (
    SELECT event_type, attribution_lift, mean_centred_effect, driver_rank, is_funnel
    FROM transformer_event_attribution_with_funnel
    WHERE window_start = :window_start
)

SELECT
    CAST(:window_start AS TIMESTAMP_NTZ) AS window_start,
    COALESCE(leaky.event_type, plain.event_type) AS event_type,
    plain.attribution_lift AS no_funnel_lift,
    leaky.attribution_lift AS with_funnel_lift,
    leaky.attribution_lift - COALESCE(plain.attribution_lift, 0) AS leakage_amount,
    COALESCE(leaky.is_funnel, plain.is_funnel) AS is_funnel,
    plain.mean_centred_effect AS no_funnel_effect,
    leaky.mean_centred_effect AS with_funnel_effect,
    plain.driver_rank AS no_funnel_rank,
    leaky.driver_rank AS with_funnel_rank,
    suspected_leakage.is_suspected AS is_suspected,
    leaky.mean_centred_effect - plain.mean_centred_effect AS effect_change,
    errors.effect_change_error AS effect_change_error,
    COALESCE(errors.has_minimum_support, FALSE) AS has_minimum_support
FROM plain
FULL OUTER JOIN leaky ON leaky.event_type = plain.event_type
LEFT JOIN errors ON errors.event_type = COALESCE(leaky.event_type, plain.event_type)
LEFT JOIN suspected_leakage
    ON suspected_leakage.event_type = COALESCE(leaky.event_type, plain.event_type)
    AND suspected_leakage.window_start = :window_start
