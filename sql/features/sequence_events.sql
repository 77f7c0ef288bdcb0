-- What a variant's model may read: events before the conversion and, in the risk set, up to the cut; one row per event.
-- funnel_rule: drop leaves funnel events out, keep leaves them in, stop ends the sequence at the first. Ordered by session.
WITH readable AS (
    SELECT
        session_events.session_id AS session_id,
        session_events.event_index AS event_index,
        session_events.user_id AS user_id,
        risk_set.label AS label,
        risk_set.in_risk_set AS in_risk_set,
        risk_set.n_no_funnel AS n_no_funnel,
        risk_set.cut_at AS cut_at,
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
        COALESCE(event_roles.is_funnel, FALSE) AS is_funnel
    FROM session_events
    INNER JOIN risk_set
        ON session_events.session_id = risk_set.session_id AND session_events.window_start = risk_set.window_start
    INNER JOIN sessions
        ON session_events.session_id = sessions.session_id AND session_events.window_start = sessions.window_start
    LEFT JOIN event_roles ON session_events.event_type = event_roles.event_type
    WHERE
        session_events.window_start = :window_start
        AND (
            sessions.conversion_event_index IS NULL
            OR session_events.event_index < sessions.conversion_event_index
        )
),

counted AS (
    SELECT
        readable.*,
        SUM(CASE WHEN is_funnel THEN 0 ELSE 1 END) OVER (
            PARTITION BY session_id ORDER BY event_index ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS no_funnel_so_far,
        SUM(CASE WHEN is_funnel THEN 1 ELSE 0 END) OVER (
            PARTITION BY session_id ORDER BY event_index ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS funnel_so_far
    FROM readable
)

SELECT
    session_id,
    user_id,
    label,
    in_risk_set,
    n_no_funnel,
    started_at,
    event_at,
    event_type,
    discovery_feature,
    store_id,
    store_name,
    primary_tag,
    primary_category,
    is_nv,
    product_id,
    price_usd
FROM counted
WHERE
    (NOT in_risk_set OR no_funnel_so_far <= cut_at)
    AND (
        (:funnel_rule = 'keep')
        OR (:funnel_rule = 'drop' AND NOT is_funnel)
        OR (:funnel_rule = 'stop' AND funnel_so_far = 0)
    )
ORDER BY session_id, event_index
