-- All that is said of groups of attributed events, whatever they are grouped by: means, lifts, errors clustered by user, p,
-- q and rank; one row per granularity and group. name_1 and name_2 name the group; positions are bins 1 to 5, and 5 begins
-- at the 51st event.
WITH occurrences AS (
    SELECT
        session_id,
        user_id,
        label,
        n_events,
        event_type,
        CASE
            WHEN event_position < 5 THEN '1'
            WHEN event_position < 10 THEN '2'
            WHEN event_position < 20 THEN '3'
            WHEN event_position < 50 THEN '4'
            ELSE '5'
        END AS position_bin,
        store_id,
        store_name,
        primary_category,
        primary_tag,
        gradient_attribution AS share,
        signed_attribution AS signed_effect,
        centred_attribution AS effect,
        relative_attribution AS relative_share
    FROM gradient_attribution_{variant}
    WHERE window_start = :window_start AND in_risk_set AND gradient_attribution IS NOT NULL
),

grouped AS (
    SELECT
        'event_type' AS granularity, event_type AS name_1, CAST(NULL AS VARCHAR) AS name_2,
        session_id, user_id, label, n_events, share, signed_effect, effect, relative_share
    FROM occurrences
    UNION ALL
    SELECT
        'position' AS granularity, position_bin AS name_1, CAST(NULL AS VARCHAR) AS name_2,
        session_id, user_id, label, n_events, share, signed_effect, effect, relative_share
    FROM occurrences
    UNION ALL
    SELECT
        'store' AS granularity, store_id AS name_1, store_name AS name_2,
        session_id, user_id, label, n_events, share, signed_effect, effect, relative_share
    FROM occurrences
    UNION ALL
    SELECT
        'category' AS granularity, primary_category AS name_1, primary_tag AS name_2,
        session_id, user_id, label, n_events, share, signed_effect, effect, relative_share
    FROM occurrences
    UNION ALL
    SELECT
        'event_position' AS granularity, event_type AS name_1, position_bin AS name_2,
        session_id, user_id, label, n_events, share, signed_effect, effect, relative_share
    FROM occurrences
),

session_sums AS (
    SELECT
        granularity,
        name_1,
        name_2,
        session_id,
        user_id,
        label,
        n_events,
        COUNT(*) AS n,
        SUM(share) AS share,
        SUM(signed_effect) AS signed_effect,
        SUM(effect) AS effect,
        SUM(relative_share) AS relative_share
    FROM grouped
    GROUP BY granularity, name_1, name_2, session_id, user_id, label, n_events
),

-- Sums are NULL for a side that has no occurrence, and so are its means and lifts.
totals AS (
    SELECT
        granularity,
        name_1,
        name_2,
        SUM(n) AS n,
        SUM(CASE WHEN label = 0 THEN n END) AS n_other,
        SUM(CASE WHEN label = 1 THEN n END) AS n_converted,
        COUNT(*) AS sessions,
        COUNT(CASE WHEN label = 0 THEN 1 END) AS sessions_other,
        COUNT(CASE WHEN label = 1 THEN 1 END) AS sessions_converted,
        SUM(effect) / SUM(n) AS mean_effect,
        SUM(signed_effect) / SUM(n) AS mean_signed_effect,
        SUM(CASE WHEN label = 0 THEN share END) / SUM(CASE WHEN label = 0 THEN n END) AS share_other,
        SUM(CASE WHEN label = 1 THEN share END) / SUM(CASE WHEN label = 1 THEN n END) AS share_converted,
        SUM(CASE WHEN label = 0 THEN signed_effect END) / SUM(CASE WHEN label = 0 THEN n END) AS signed_other,
        SUM(CASE WHEN label = 1 THEN signed_effect END) / SUM(CASE WHEN label = 1 THEN n END) AS signed_converted,
        SUM(CASE WHEN label = 0 THEN effect END) / SUM(CASE WHEN label = 0 THEN n END) AS effect_other,
        SUM(CASE WHEN label = 1 THEN effect END) / SUM(CASE WHEN label = 1 THEN n END) AS effect_converted,
        SUM(CASE WHEN label = 0 THEN relative_share END) / SUM(CASE WHEN label = 0 THEN n END) AS relative_other,
        SUM(CASE WHEN label = 1 THEN relative_share END) / SUM(CASE WHEN label = 1 THEN n END) AS relative_converted
    FROM session_sums
    GROUP BY granularity, name_1, name_2
),

user_sums AS (
    SELECT
        granularity,
        name_1,
        name_2,
        user_id,
        SUM(n) AS n,
        SUM(effect) AS effect,
        SUM((1 - label) * n) AS n_other,
        SUM(label * n) AS n_converted,
        SUM((1 - label) * effect) AS effect_other,
        SUM(label * effect) AS effect_converted
    FROM session_sums
    GROUP BY granularity, name_1, name_2, user_id
),

-- What each user adds to the deviation of a ratio of sums over users (linearised), enlarged for the user's own pull on the
-- mean: the residual over the root of 1 minus the user's part of the occurrences (CR2, Bell and McCaffrey 2002).
residuals AS (
    SELECT
        user_sums.granularity,
        user_sums.name_1,
        user_sums.name_2,
        user_sums.n_other,
        user_sums.n_converted,
        (user_sums.effect - totals.mean_effect * user_sums.n)
        / SQRT(NULLIF(totals.n * (totals.n - user_sums.n), 0)) AS of_effect,
        COALESCE(
            (user_sums.effect_converted - totals.effect_converted * user_sums.n_converted)
            / SQRT(NULLIF(totals.n_converted * (totals.n_converted - user_sums.n_converted), 0)), 0
        ) - COALESCE(
            (user_sums.effect_other - totals.effect_other * user_sums.n_other)
            / SQRT(NULLIF(totals.n_other * (totals.n_other - user_sums.n_other), 0)), 0
        ) AS of_lift
    FROM user_sums
    INNER JOIN totals
        ON totals.granularity = user_sums.granularity
        AND totals.name_1 IS NOT DISTINCT FROM user_sums.name_1
        AND totals.name_2 IS NOT DISTINCT FROM user_sums.name_2
),

errors AS (
    SELECT
        granularity,
        name_1,
        name_2,
        COUNT(*) AS users,
        COUNT(*) >= :minimum_support AS has_minimum_support,
        COUNT(CASE WHEN n_other > 0 THEN 1 END) >= :minimum_support
        AND COUNT(CASE WHEN n_converted > 0 THEN 1 END) >= :minimum_support AS has_support_on_both_sides,
        CASE WHEN COUNT(*) > 1 THEN SQRT(SUM(of_effect * of_effect)) END AS effect_error,
        CASE
            WHEN COUNT(CASE WHEN n_other > 0 THEN 1 END) > 1 AND COUNT(CASE WHEN n_converted > 0 THEN 1 END) > 1
                THEN SQRT(SUM(of_lift * of_lift))
        END AS lift_error
    FROM residuals
    GROUP BY granularity, name_1, name_2
),

-- Sessions of equal length are compared with each other. A length that one side lacks says nothing and is left out.
lengths AS (
    SELECT
        granularity,
        name_1,
        name_2,
        n_events,
        SUM(n) AS n,
        SUM(CASE WHEN label = 1 THEN share END) / SUM(CASE WHEN label = 1 THEN n END)
        - SUM(CASE WHEN label = 0 THEN share END) / SUM(CASE WHEN label = 0 THEN n END) AS lift
    FROM session_sums
    GROUP BY granularity, name_1, name_2, n_events
),

standardised AS (
    SELECT granularity, name_1, name_2, SUM(n * lift) / SUM(n) AS lift
    FROM lengths
    WHERE lift IS NOT NULL
    GROUP BY granularity, name_1, name_2
),

-- Distances from 0 in standard errors, cut where p is 1e-307, near the smallest number that a DOUBLE holds.
distances AS (
    SELECT
        errors.granularity,
        errors.name_1,
        errors.name_2,
        errors.users,
        errors.has_minimum_support,
        errors.effect_error,
        errors.lift_error,
        CASE
            WHEN errors.effect_error IS NULL THEN NULL
            WHEN totals.mean_effect = 0 THEN 0
            WHEN ABS(totals.mean_effect) >= 37.5 * errors.effect_error THEN 37.5
            ELSE ABS(totals.mean_effect) / errors.effect_error
        END AS z,
        CASE
            WHEN errors.lift_error IS NULL OR NOT errors.has_support_on_both_sides THEN NULL
            WHEN totals.effect_converted = totals.effect_other THEN 0
            WHEN ABS(totals.effect_converted - totals.effect_other) >= 37.5 * errors.lift_error THEN 37.5
            ELSE ABS(totals.effect_converted - totals.effect_other) / errors.lift_error
        END AS lift_z
    FROM errors
    INNER JOIN totals
        ON totals.granularity = errors.granularity
        AND totals.name_1 IS NOT DISTINCT FROM errors.name_1
        AND totals.name_2 IS NOT DISTINCT FROM errors.name_2
),

polynomials AS (
    SELECT
        granularity,
        name_1,
        name_2,
        users,
        has_minimum_support,
        effect_error,
        lift_error,
        z,
        lift_z,
        1 / (1 + z / SQRT(8)) AS t,
        1 / (1 + lift_z / SQRT(8)) AS u
    FROM distances
),

-- Both tails of the normal distribution, erfc(z / sqrt(2)), to 1.2e-7 of its value (Numerical Recipes in C, erfcc). Near
-- z = 0 the approximation exceeds 1 by as much.
chances AS (
    SELECT
        granularity,
        name_1,
        name_2,
        users,
        has_minimum_support,
        effect_error,
        lift_error,
        t * EXP(
            -z * z / 2 - 1.26551223 + t * (1.00002368 + t * (0.37409196 + t * (0.09678418 + t * (-0.18628806 + t * (
                0.27886807 + t * (-1.13520398 + t * (1.48851587 + t * (-0.82215223 + t * 0.17087277)))
            )))))
        ) AS p,
        u * EXP(
            -lift_z * lift_z / 2 - 1.26551223 + u * (1.00002368 + u * (0.37409196 + u * (0.09678418 + u * (-0.18628806 + u * (
                0.27886807 + u * (-1.13520398 + u * (1.48851587 + u * (-0.82215223 + u * 0.17087277)))
            )))))
        ) AS lift_p
    FROM polynomials
),

placed AS (
    SELECT
        granularity,
        name_1,
        name_2,
        users,
        has_minimum_support,
        effect_error,
        lift_error,
        CASE WHEN p > 1 THEN 1 ELSE p END AS p_value,
        CASE WHEN lift_p > 1 THEN 1 ELSE lift_p END AS lift_p_value,
        CASE WHEN has_minimum_support THEN CASE WHEN p > 1 THEN 1 ELSE p END END AS tested_p,
        ROW_NUMBER() OVER (
            PARTITION BY granularity
            ORDER BY
                CASE WHEN has_minimum_support THEN p END ASC NULLS LAST,
                name_1 ASC NULLS LAST,
                name_2 ASC NULLS LAST
        ) AS place,
        COUNT(CASE WHEN has_minimum_support THEN p END) OVER (PARTITION BY granularity) AS n_tests
    FROM chances
),

-- Benjamini and Hochberg (1995): of m tests in order of p, the k-th has q = the least of m p / place from the k-th on.
-- Groups that are not tested come last, so that theirs is NULL.
tested AS (
    SELECT
        granularity,
        name_1,
        name_2,
        users,
        has_minimum_support,
        effect_error,
        lift_error,
        p_value,
        lift_p_value,
        MIN(tested_p * (CAST(n_tests AS DOUBLE) / place)) OVER (
            PARTITION BY granularity ORDER BY place DESC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS q_value,
        has_minimum_support AND (granularity <> 'store' OR name_1 IS NOT NULL OR name_2 IS NOT NULL) AS is_ranked
    FROM placed
)

SELECT
    CAST(:window_start AS TIMESTAMP_NTZ) AS window_start,
    totals.granularity,
    totals.name_1,
    totals.name_2,
    totals.share_other AS not_converted,
    totals.share_converted AS converted,
    totals.share_converted - totals.share_other AS attribution_lift,
    standardised.lift AS standardised_lift,
    totals.signed_other AS signed_not_converted,
    totals.signed_converted,
    totals.signed_converted - totals.signed_other AS signed_lift,
    totals.effect_other AS centred_not_converted,
    totals.effect_converted AS centred_converted,
    totals.effect_converted - totals.effect_other AS centred_lift,
    tested.lift_error AS lift_standard_error,
    tested.lift_p_value,
    totals.relative_other AS relative_not_converted,
    totals.relative_converted,
    totals.relative_converted - totals.relative_other AS relative_lift,
    totals.mean_effect AS mean_centred_effect,
    totals.mean_signed_effect,
    tested.effect_error AS standard_error,
    totals.mean_effect - 1.96 * tested.effect_error AS effect_low,
    totals.mean_effect + 1.96 * tested.effect_error AS effect_high,
    tested.p_value,
    tested.q_value,
    CASE
        WHEN tested.q_value < :significance AND totals.mean_effect > :strong_effect THEN 'Strong positive signal'
        WHEN tested.q_value < :significance AND totals.mean_effect > :moderate_effect THEN 'Moderate positive signal'
        WHEN tested.q_value < :significance AND totals.mean_effect < :negative_effect THEN 'Negative signal'
        ELSE 'Neutral'
    END AS signal_strength,
    CAST(totals.n AS BIGINT) AS occurrences,
    CAST(COALESCE(totals.n_other, 0) AS BIGINT) AS occurrences_not_converted,
    CAST(COALESCE(totals.n_converted, 0) AS BIGINT) AS occurrences_converted,
    totals.sessions,
    totals.sessions_other AS sessions_not_converted,
    totals.sessions_converted,
    tested.users,
    tested.has_minimum_support,
    CASE
        WHEN tested.is_ranked THEN ROW_NUMBER() OVER (
            PARTITION BY totals.granularity, tested.is_ranked
            ORDER BY totals.mean_effect DESC NULLS LAST, totals.name_1 ASC NULLS LAST, totals.name_2 ASC NULLS LAST
        )
    END AS driver_rank
FROM totals
INNER JOIN tested
    ON tested.granularity = totals.granularity
    AND tested.name_1 IS NOT DISTINCT FROM totals.name_1
    AND tested.name_2 IS NOT DISTINCT FROM totals.name_2
LEFT JOIN standardised
    ON standardised.granularity = totals.granularity
    AND standardised.name_1 IS NOT DISTINCT FROM totals.name_1
    AND standardised.name_2 IS NOT DISTINCT FROM totals.name_2
