-- How many recommendations are repeated, out of rank, without a reason, or of what was bought in the window; one row.
WITH bought AS (
    SELECT DISTINCT
        session_events.user_id AS user_id,
        CASE :item_column
            WHEN 'product_id' THEN session_events.product_id
            WHEN 'store_id' THEN session_events.store_id
            WHEN 'primary_category' THEN session_events.primary_category
        END AS item_id
    FROM session_events
    INNER JOIN sessions
        ON session_events.window_start = sessions.window_start AND session_events.session_id = sessions.session_id
    INNER JOIN event_roles ON session_events.event_type = event_roles.event_type
    WHERE session_events.window_start = :window_start AND event_roles.is_conversion AND NOT sessions.is_bot
),

judged AS (
    SELECT
        recommendations.user_id AS user_id,
        recommendations.recommendation_rank AS recommendation_rank,
        recommendations.product_id AS product_id,
        CASE
            WHEN
                bought.user_id IS NULL
                AND recommendations.reason IS NOT NULL
                AND recommendations.score > 0
                AND COUNT(*) OVER (PARTITION BY recommendations.user_id, recommendations.product_id) = 1
                AND recommendations.recommendation_rank = ROW_NUMBER() OVER (
                    PARTITION BY recommendations.user_id ORDER BY recommendations.recommendation_rank
                )
                THEN 0
            ELSE 1
        END AS is_wrong
    FROM recommendations
    LEFT JOIN bought ON recommendations.user_id = bought.user_id AND recommendations.product_id = bought.item_id
    WHERE recommendations.window_start = :window_start
)

SELECT COUNT(*) AS n_recommendations, COALESCE(SUM(is_wrong), 0) AS n_wrong
FROM judged
