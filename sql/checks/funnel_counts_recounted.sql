-- How many stages have other sessions than those counted from the sessions' events; one row.
WITH touched AS (
    SELECT
        COUNT(DISTINCT CASE WHEN event_roles.is_view THEN session_events.session_id END) AS n_view,
        COUNT(DISTINCT CASE WHEN event_roles.is_cart THEN session_events.session_id END) AS n_cart,
        COUNT(DISTINCT CASE WHEN event_roles.is_checkout THEN session_events.session_id END) AS n_checkout,
        COUNT(DISTINCT CASE WHEN event_roles.is_conversion THEN session_events.session_id END) AS n_transaction
    FROM session_events
    INNER JOIN event_roles ON session_events.event_type = event_roles.event_type
    INNER JOIN sessions
        ON session_events.session_id = sessions.session_id AND session_events.window_start = sessions.window_start
    WHERE session_events.window_start = :window_start AND NOT sessions.is_bot AND NOT sessions.is_censored
),

compared AS (
    SELECT
        funnel_metrics.stage AS stage,
        funnel_metrics.sessions AS sessions,
        CASE
            WHEN funnel_metrics.stage = 'view' THEN touched.n_view
            WHEN funnel_metrics.stage = 'cart' THEN touched.n_cart
            WHEN funnel_metrics.stage = 'checkout' THEN touched.n_checkout
            WHEN funnel_metrics.stage = 'transaction' THEN touched.n_transaction
        END AS sessions_recounted
    FROM funnel_metrics
    CROSS JOIN touched
    WHERE funnel_metrics.window_start = :window_start
),

marked AS (
    SELECT
        stage,
        sessions,
        sessions_recounted,
        CASE WHEN sessions = sessions_recounted THEN 0 ELSE 1 END AS is_different
    FROM compared
)

SELECT COUNT(*) AS n_stages, COALESCE(SUM(is_different), 0) AS n_different
FROM marked
