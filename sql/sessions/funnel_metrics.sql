-- How many sessions touch each stage, and how many of the stage before do not; one row per stage the dataset knows.
-- Bots and sessions still open are left out. Stages may be skipped, so the drop is counted on sessions with both stages.
WITH stages AS (
    SELECT
        session_id,
        1 AS stage_order,
        'view' AS stage
    FROM session_funnels
    WHERE window_start = :window_start AND NOT is_bot AND NOT is_censored AND has_view
    UNION ALL
    SELECT
        session_id,
        2 AS stage_order,
        'cart' AS stage
    FROM session_funnels
    WHERE window_start = :window_start AND NOT is_bot AND NOT is_censored AND has_addtocart
    UNION ALL
    SELECT
        session_id,
        3 AS stage_order,
        'checkout' AS stage
    FROM session_funnels
    WHERE window_start = :window_start AND NOT is_bot AND NOT is_censored AND has_checkout
    UNION ALL
    SELECT
        session_id,
        4 AS stage_order,
        'transaction' AS stage
    FROM session_funnels
    WHERE window_start = :window_start AND NOT is_bot AND NOT is_censored AND has_transaction
),

known_stages AS (
    SELECT 1 AS stage_order, 'view' AS stage FROM event_roles WHERE is_view
    UNION
    SELECT 2 AS stage_order, 'cart' AS stage FROM event_roles WHERE is_cart
    UNION
    SELECT 3 AS stage_order, 'checkout' AS stage FROM event_roles WHERE is_checkout
    UNION
    SELECT 4 AS stage_order, 'transaction' AS stage FROM event_roles WHERE is_conversion
),

ordered AS (
    SELECT
        stage_order,
        stage,
        LAG(stage_order) OVER (ORDER BY stage_order) AS previous_order
    FROM known_stages
),

counted AS (
    SELECT
        ordered.stage_order AS stage_order,
        ordered.stage AS stage,
        ordered.previous_order AS previous_order,
        COUNT(here.session_id) AS sessions,
        COUNT(previous.session_id) AS sessions_with_previous
    FROM ordered
    LEFT JOIN stages AS here ON ordered.stage_order = here.stage_order
    LEFT JOIN stages AS previous
        ON here.session_id = previous.session_id AND ordered.previous_order = previous.stage_order
    GROUP BY ordered.stage_order, ordered.stage, ordered.previous_order
),

totals AS (
    SELECT COUNT(*) AS all_sessions
    FROM session_funnels
    WHERE window_start = :window_start AND NOT is_bot AND NOT is_censored
),

drops AS (
    SELECT
        counted.stage_order AS stage_order,
        counted.stage AS stage,
        counted.sessions AS sessions,
        counted.sessions_with_previous AS sessions_with_previous,
        CAST(counted.sessions AS DOUBLE) / NULLIF(totals.all_sessions, 0) AS rate,
        before.sessions - counted.sessions_with_previous AS sessions_lost,
        1.0 - CAST(counted.sessions_with_previous AS DOUBLE) / NULLIF(before.sessions, 0) AS drop_off
    FROM counted
    CROSS JOIN totals
    LEFT JOIN counted AS before ON counted.previous_order = before.stage_order
)

SELECT
    :window_start AS window_start,
    stage,
    sessions,
    rate,
    drop_off,
    COALESCE(
        drop_off IS NOT NULL
        AND ROW_NUMBER() OVER (ORDER BY drop_off DESC NULLS LAST, stage_order ASC) = 1,
        FALSE
    ) AS is_largest_drop,
    stage_order,
    sessions_with_previous,
    sessions_lost
FROM drops
ORDER BY stage_order
