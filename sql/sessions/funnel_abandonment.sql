-- How many sessions that touch a stage do not convert, and the share with its interval, clustered by user; one row per stage.
-- With one user there is no error to estimate: the interval is the share.
WITH stages AS (
    SELECT
        user_id,
        has_transaction,
        1 AS stage_order,
        'view' AS stage
    FROM session_funnels
    WHERE window_start = :window_start AND NOT is_bot AND NOT is_censored AND has_view
    UNION ALL
    SELECT
        user_id,
        has_transaction,
        2 AS stage_order,
        'cart' AS stage
    FROM session_funnels
    WHERE window_start = :window_start AND NOT is_bot AND NOT is_censored AND has_addtocart
    UNION ALL
    SELECT
        user_id,
        has_transaction,
        3 AS stage_order,
        'checkout' AS stage
    FROM session_funnels
    WHERE window_start = :window_start AND NOT is_bot AND NOT is_censored AND has_checkout
),

user_sums AS (
    SELECT
        stage_order,
        stage,
        user_id,
        COUNT(*) AS n,
        COUNT(CASE WHEN NOT has_transaction THEN 1 END) AS abandoned
    FROM stages
    GROUP BY stage_order, stage, user_id
),

residuals AS (
    SELECT
        stage_order,
        stage,
        n,
        abandoned,
        abandoned - n * (
            CAST(SUM(abandoned) OVER (PARTITION BY stage_order) AS DOUBLE) / SUM(n) OVER (PARTITION BY stage_order)
        ) AS residual,
        SUM(n) OVER (PARTITION BY stage_order) - n AS n_others
    FROM user_sums
),

counted AS (
    SELECT
        stage_order,
        stage,
        SUM(n) AS sessions,
        SUM(abandoned) AS abandoned,
        SQRT(SUM(residual * residual / NULLIF(n_others, 0)) / SUM(n)) AS standard_error
    FROM residuals
    GROUP BY stage_order, stage
)

SELECT
    :window_start AS window_start,
    counted.stage_order AS stage_order,
    counted.stage AS stage,
    CAST(counted.sessions AS BIGINT) AS sessions,
    CAST(counted.sessions - counted.abandoned AS BIGINT) AS converted,
    CAST(counted.abandoned AS BIGINT) AS abandoned,
    CAST(counted.abandoned AS DOUBLE) / counted.sessions AS abandoned_share,
    GREATEST(
        CAST(counted.abandoned AS DOUBLE) / counted.sessions - 1.96 * COALESCE(counted.standard_error, 0.0), 0.0
    ) AS abandoned_share_low,
    LEAST(
        CAST(counted.abandoned AS DOUBLE) / counted.sessions + 1.96 * COALESCE(counted.standard_error, 0.0), 1.0
    ) AS abandoned_share_high,
    funnel_metrics.drop_off AS drop_off,
    funnel_metrics.is_largest_drop AS is_largest_drop
FROM counted
INNER JOIN funnel_metrics ON counted.stage = funnel_metrics.stage AND funnel_metrics.window_start = :window_start
ORDER BY stage_order
