-- What customers did in the windows from :since up to, without, :until; one row per customer, event type, item and half.
-- A session lies in one of two halves of its customer's history, by a hash. Recency halves an event's weight every :half_life_us.
WITH with_item AS (
    SELECT
        session_events.user_id AS user_id,
        session_events.event_type AS action,
        CASE :item_column
            WHEN 'product_id' THEN session_events.product_id
            WHEN 'store_id' THEN session_events.store_id
            WHEN 'primary_category' THEN session_events.primary_category
        END AS item_id,
        session_events.primary_category AS category,
        session_events.event_at AS event_at,
        session_events.price_usd AS price_usd,
        CASE WHEN SUBSTR(MD5(session_events.session_id), 1, 1) < '8' THEN 0 ELSE 1 END AS half
    FROM session_events
    INNER JOIN sessions
        ON session_events.window_start = sessions.window_start AND session_events.session_id = sessions.session_id
    WHERE session_events.window_start >= :since AND session_events.window_start < :until AND NOT sessions.is_bot
)

SELECT
    user_id,
    action,
    item_id,
    half,
    MAX(category) AS category,
    COUNT(*) AS n_events,
    SUM(POWER(0.5, CAST(DATEDIFF('microsecond', event_at, :snapshot_at) AS DOUBLE) / :half_life_us)) AS recency,
    MAX(event_at) AS last_at,
    SUM(price_usd) AS price_sum_usd,
    COUNT(price_usd) AS n_priced
FROM with_item
WHERE item_id IS NOT NULL
GROUP BY user_id, action, item_id, half
ORDER BY user_id ASC, action ASC, item_id ASC, half ASC
