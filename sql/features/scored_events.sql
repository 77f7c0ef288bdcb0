-- What the variant may read of every session of the window, all users, no bots: events before the conversion, uncut; one row per event.
-- funnel_rule: drop leaves funnel events out, keep leaves them in, stop ends the sequence at the first. Ordered by session.
-- A session of which nothing is to be read has one row, without event_at.
WITH readable AS (
    SELECT
        session_events.session_id AS session_id,
        session_events.event_index AS event_index,
        sessions.user_id AS user_id,
        CASE WHEN sessions.is_converted THEN 1 ELSE 0 END AS label,
        sessions.started_at AS started_at,
        session_events.event_at AS event_at,
        session_events.event_type AS event_type,
        session_events.discovery_feature AS discovery_feature,
        session_events.store_id AS store_id,
        session_events.store_name AS store_name,
        session_events.primary_tag AS primary_tag,
        session_events.primary_category AS primary_category,
        session_events.is_nv AS is_nv,
        session_events.product_id AS product_id,
        session_events.price_usd AS price_usd,
        COALESCE(event_roles.is_funnel, FALSE) AS is_funnel,
        sessions.conversion_event_index IS NULL
        OR session_events.event_index < sessions.conversion_event_index AS is_before_conversion
    FROM session_events
    INNER JOIN sessions
        ON session_events.session_id = sessions.session_id AND session_events.window_start = sessions.window_start
    LEFT JOIN event_roles ON session_events.event_type = event_roles.event_type
    WHERE session_events.window_start = :window_start AND NOT sessions.is_bot
),

counted AS (
    SELECT
        readable.*,
        SUM(CASE WHEN is_funnel THEN 1 ELSE 0 END) OVER (
            PARTITION BY session_id ORDER BY event_index ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS funnel_so_far
    FROM readable
),

shown AS (
    SELECT
        counted.*,
        is_before_conversion
        AND (
            (:funnel_rule = 'keep')
            OR (:funnel_rule = 'drop' AND NOT is_funnel)
            OR (:funnel_rule = 'stop' AND funnel_so_far = 0)
        ) AS is_shown
    FROM counted
),

placed AS (
    SELECT
        shown.*,
        SUM(CASE WHEN is_shown THEN 1 ELSE 0 END) OVER (PARTITION BY session_id) AS n_shown
    FROM shown
)

SELECT
    session_id,
    event_index,
    user_id,
    label,
    FALSE AS in_risk_set,
    started_at,
    CASE WHEN is_shown THEN event_at END AS event_at,
    event_type,
    discovery_feature,
    store_id,
    store_name,
    primary_tag,
    primary_category,
    is_nv,
    product_id,
    price_usd
FROM placed
WHERE is_shown OR (n_shown = 0 AND event_index = 1)
ORDER BY session_id, event_index
