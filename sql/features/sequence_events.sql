-- What a variant's model may read: events before the conversion and, in the risk set, up to the cut; one row per event.
-- funnel_rule: drop leaves funnel events out, keep leaves them in, stop ends the sequence at the first. Ordered by session.
-- cut: risk_set; none; or landmark, the first so many events outside the funnel, of sessions that have as many.
-- A session of which nothing is to be read has one row, without event_at.
-- May be computed in parts, by session_id of session_events.
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
        AND (:cut <> 'landmark' OR risk_set.n_no_funnel >= :landmark)
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
),

shown AS (
    SELECT
        counted.*,
        (
            (:cut = 'risk_set' AND (NOT in_risk_set OR no_funnel_so_far <= cut_at))
            OR (:cut = 'landmark' AND no_funnel_so_far <= :landmark)
            OR (:cut = 'none')
        )
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
    in_risk_set,
    n_no_funnel,
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
