-- How far each session went: which stages it touched, when first, how often, how long between; one row per session.
-- May be computed in parts, by session_id of session_events.
WITH stages AS (
    SELECT
        session_events.session_id AS session_id,
        MIN(CASE WHEN event_roles.is_view THEN session_events.event_at END) AS first_view_at,
        MIN(CASE WHEN event_roles.is_cart THEN session_events.event_at END) AS first_addtocart_at,
        MIN(CASE WHEN event_roles.is_checkout THEN session_events.event_at END) AS first_checkout_at,
        MIN(CASE WHEN event_roles.is_conversion THEN session_events.event_at END) AS first_transaction_at,
        COUNT(CASE WHEN event_roles.is_view THEN 1 END) AS n_views,
        COUNT(CASE WHEN event_roles.is_cart THEN 1 END) AS n_addtocarts,
        COUNT(CASE WHEN event_roles.is_remove THEN 1 END) AS n_removes,
        COUNT(CASE WHEN event_roles.is_checkout THEN 1 END) AS n_checkouts,
        COUNT(CASE WHEN event_roles.is_conversion THEN 1 END) AS n_transactions,
        COUNT(DISTINCT session_events.product_id) AS n_products,
        COUNT(DISTINCT session_events.store_id) AS n_stores
    FROM session_events
    LEFT JOIN event_roles ON session_events.event_type = event_roles.event_type
    WHERE session_events.window_start = :window_start
    GROUP BY session_events.session_id
)

SELECT
    sessions.window_start AS window_start,
    sessions.session_id AS session_id,
    sessions.user_id AS user_id,
    sessions.started_at AS started_at,
    sessions.is_bot AS is_bot,
    sessions.is_censored AS is_censored,
    stages.first_view_at IS NOT NULL AS has_view,
    stages.first_addtocart_at IS NOT NULL AS has_addtocart,
    stages.first_checkout_at IS NOT NULL AS has_checkout,
    stages.first_transaction_at IS NOT NULL AS has_transaction,
    stages.first_view_at AS first_view_at,
    stages.first_addtocart_at AS first_addtocart_at,
    stages.first_checkout_at AS first_checkout_at,
    stages.first_transaction_at AS first_transaction_at,
    sessions.n_events AS n_events,
    stages.n_views AS n_views,
    stages.n_addtocarts AS n_addtocarts,
    stages.n_removes AS n_removes,
    stages.n_checkouts AS n_checkouts,
    stages.n_transactions AS n_transactions,
    stages.n_products AS n_products,
    stages.n_stores AS n_stores,
    CAST(DATEDIFF('microsecond', sessions.started_at, sessions.ended_at) AS DOUBLE) / 1000000.0 AS duration_s,
    CAST(DATEDIFF('microsecond', stages.first_view_at, stages.first_addtocart_at) AS DOUBLE) / 1000000.0
        AS view_to_addtocart_s,
    CAST(DATEDIFF('microsecond', stages.first_addtocart_at, stages.first_checkout_at) AS DOUBLE) / 1000000.0
        AS addtocart_to_checkout_s,
    CAST(DATEDIFF('microsecond', stages.first_addtocart_at, stages.first_transaction_at) AS DOUBLE) / 1000000.0
        AS addtocart_to_transaction_s,
    CAST(DATEDIFF('microsecond', sessions.started_at, stages.first_transaction_at) AS DOUBLE) / 1000000.0
        AS start_to_transaction_s
FROM sessions
INNER JOIN stages ON sessions.session_id = stages.session_id
WHERE sessions.window_start = :window_start
