-- Tokens of the window's sessions that are no bot's, in order; one row per event with an item, in sessions that have at least two.
WITH with_item AS (
    SELECT
        session_events.session_id AS session_id,
        sessions.started_at AS started_at,
        session_events.event_index AS event_index,
        session_events.event_type AS action,
        CASE :item_column
            WHEN 'product_id' THEN session_events.product_id
            WHEN 'store_id' THEN session_events.store_id
            WHEN 'primary_category' THEN session_events.primary_category
        END AS item_id,
        session_events.primary_category AS category
    FROM session_events
    INNER JOIN sessions
        ON session_events.window_start = sessions.window_start AND session_events.session_id = sessions.session_id
    WHERE session_events.window_start = :window_start AND sessions.window_start = :window_start AND NOT sessions.is_bot
),

counted AS (
    SELECT with_item.*, COUNT(*) OVER (PARTITION BY session_id) AS n_tokens
    FROM with_item
    WHERE item_id IS NOT NULL
)

SELECT session_id, action, item_id, category
FROM counted
WHERE n_tokens >= 2
ORDER BY started_at ASC, session_id ASC, event_index ASC
