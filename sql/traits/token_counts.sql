-- What of the windows' sessions becomes sentences, and what is left out for which reason; one row.
WITH per_session AS (
    SELECT
        sessions.window_start AS window_start,
        sessions.session_id AS session_id,
        sessions.is_bot AS is_bot,
        COUNT(*) AS n_events,
        COUNT(
            CASE :item_column
                WHEN 'product_id' THEN session_events.product_id
                WHEN 'store_id' THEN session_events.store_id
                WHEN 'primary_category' THEN session_events.primary_category
            END
        ) AS n_tokens
    FROM sessions
    INNER JOIN session_events
        ON sessions.window_start = session_events.window_start AND sessions.session_id = session_events.session_id
    WHERE sessions.window_start >= :since AND sessions.window_start < :until
    GROUP BY sessions.window_start, sessions.session_id, sessions.is_bot
)

SELECT
    COUNT(*) AS all_sessions,
    COALESCE(SUM(CASE WHEN is_bot THEN 1 ELSE 0 END), 0) AS bot_sessions,
    COALESCE(SUM(CASE WHEN NOT is_bot AND n_tokens = 0 THEN 1 ELSE 0 END), 0) AS sessions_without_item,
    COALESCE(SUM(CASE WHEN NOT is_bot AND n_tokens = 1 THEN 1 ELSE 0 END), 0) AS sessions_of_one_token,
    COALESCE(SUM(CASE WHEN NOT is_bot AND n_tokens >= 2 THEN 1 ELSE 0 END), 0) AS sentences,
    COALESCE(SUM(CASE WHEN NOT is_bot AND n_tokens >= 2 THEN n_tokens ELSE 0 END), 0) AS tokens,
    COALESCE(SUM(CASE WHEN NOT is_bot THEN n_events - n_tokens ELSE 0 END), 0) AS events_without_item
FROM per_session
