-- Each event type in the window against the explained windows before it: effect, lift and share of all events, and what
-- changed; one row per event type. Errors of changes are those of ratios of sums over users (CR2), and a user who is in both
-- periods is one user: what is usual for a person cancels out. p and q follow from them (core/uncertainty.py).
WITH occurrences AS (
    SELECT
        event_type,
        user_id,
        CASE WHEN window_start = :window_start THEN 1 ELSE 0 END AS is_now,
        label,
        gradient_attribution AS share,
        centred_attribution AS effect
    FROM gradient_attribution_{variant}
    WHERE
        window_start >= :compared_from AND window_start <= :window_start
        AND in_risk_set AND gradient_attribution IS NOT NULL
),

user_sums AS (
    SELECT
        event_type,
        user_id,
        SUM(is_now) AS n_now,
        SUM(1 - is_now) AS n_before,
        SUM(is_now * effect) AS effect_now,
        SUM((1 - is_now) * effect) AS effect_before,
        SUM(is_now * label) AS n_now_converted,
        SUM(is_now * (1 - label)) AS n_now_other,
        SUM((1 - is_now) * label) AS n_before_converted,
        SUM((1 - is_now) * (1 - label)) AS n_before_other,
        SUM(is_now * label * share) AS share_now_converted,
        SUM(is_now * (1 - label) * share) AS share_now_other,
        SUM((1 - is_now) * label * share) AS share_before_converted,
        SUM((1 - is_now) * (1 - label) * share) AS share_before_other
    FROM occurrences
    GROUP BY event_type, user_id
),

totals AS (
    SELECT
        event_type,
        COUNT(*) AS users,
        COUNT(CASE WHEN n_now > 0 THEN 1 END) AS users_now,
        COUNT(CASE WHEN n_before > 0 THEN 1 END) AS users_before,
        SUM(n_now) AS n_now,
        SUM(n_before) AS n_before,
        SUM(effect_now) / NULLIF(SUM(n_now), 0) AS effect_now,
        SUM(effect_before) / NULLIF(SUM(n_before), 0) AS effect_before,
        SUM(n_now_converted) AS n_now_converted,
        SUM(n_now_other) AS n_now_other,
        SUM(n_before_converted) AS n_before_converted,
        SUM(n_before_other) AS n_before_other,
        SUM(share_now_converted) / NULLIF(SUM(n_now_converted), 0) AS share_now_converted,
        SUM(share_now_other) / NULLIF(SUM(n_now_other), 0) AS share_now_other,
        SUM(share_before_converted) / NULLIF(SUM(n_before_converted), 0) AS share_before_converted,
        SUM(share_before_other) / NULLIF(SUM(n_before_other), 0) AS share_before_other
    FROM user_sums
    GROUP BY event_type
),

-- What each user adds to the deviation of a change from its mean (linearised), enlarged for the user's own pull on each of
-- the means that it is made of. NULL for a side with one user, who leaves nothing to tell by.
residuals AS (
    SELECT
        totals.event_type,
        (user_sums.effect_now - totals.effect_now * user_sums.n_now)
        / SQRT(NULLIF(totals.n_now * (totals.n_now - user_sums.n_now), 0))
        - (user_sums.effect_before - totals.effect_before * user_sums.n_before)
        / SQRT(NULLIF(totals.n_before * (totals.n_before - user_sums.n_before), 0)) AS of_effect,
        (user_sums.share_now_converted - totals.share_now_converted * user_sums.n_now_converted)
        / SQRT(NULLIF(totals.n_now_converted * (totals.n_now_converted - user_sums.n_now_converted), 0))
        - (user_sums.share_now_other - totals.share_now_other * user_sums.n_now_other)
        / SQRT(NULLIF(totals.n_now_other * (totals.n_now_other - user_sums.n_now_other), 0))
        - (user_sums.share_before_converted - totals.share_before_converted * user_sums.n_before_converted)
        / SQRT(NULLIF(totals.n_before_converted * (totals.n_before_converted - user_sums.n_before_converted), 0))
        + (user_sums.share_before_other - totals.share_before_other * user_sums.n_before_other)
        / SQRT(NULLIF(totals.n_before_other * (totals.n_before_other - user_sums.n_before_other), 0)) AS of_lift
    FROM user_sums
    INNER JOIN totals ON user_sums.event_type = totals.event_type
),

errors AS (
    SELECT
        event_type,
        CASE WHEN COUNT(of_effect) = COUNT(*) THEN SQRT(SUM(of_effect * of_effect)) END AS effect_error,
        CASE WHEN COUNT(of_lift) = COUNT(*) THEN SQRT(SUM(of_lift * of_lift)) END AS lift_error
    FROM residuals
    GROUP BY event_type
),

everything AS (
    SELECT
        SUM(n_now) AS n_now,
        SUM(n_before) AS n_before
    FROM totals
)

SELECT
    CAST(:window_start AS TIMESTAMP_NTZ) AS window_start,
    totals.event_type,
    totals.effect_now AS mean_centred_effect,
    totals.effect_before AS effect_before,
    totals.effect_now - totals.effect_before AS effect_change,
    errors.effect_error AS effect_change_error,
    totals.share_now_converted - totals.share_now_other AS attribution_lift,
    totals.share_before_converted - totals.share_before_other AS lift_before,
    totals.share_now_converted - totals.share_now_other
    - (totals.share_before_converted - totals.share_before_other) AS lift_change,
    errors.lift_error AS lift_change_error,
    CAST(totals.n_now AS DOUBLE) / NULLIF(everything.n_now, 0) AS share_of_events,
    CAST(totals.n_before AS DOUBLE) / NULLIF(everything.n_before, 0) AS share_before,
    CAST(totals.n_now AS BIGINT) AS occurrences,
    CAST(totals.n_before AS BIGINT) AS occurrences_before,
    totals.users,
    totals.users_now >= :minimum_support AND totals.users_before >= :minimum_support AS has_minimum_support
FROM totals
CROSS JOIN everything
LEFT JOIN errors ON totals.event_type = errors.event_type
