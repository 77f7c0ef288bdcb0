-- Which event types occur, how often, when, and with which role; one row per event type.
SELECT
    canonical_events.event_type AS event_type,
    COUNT(*) AS n_events,
    COUNT(DISTINCT canonical_events.user_id) AS n_users,
    MIN(canonical_events.event_at) AS first_event_at,
    MAX(canonical_events.event_at) AS last_event_at,
    COALESCE(MAX(event_roles.is_view), FALSE) AS is_view,
    COALESCE(MAX(event_roles.is_cart), FALSE) AS is_cart,
    COALESCE(MAX(event_roles.is_remove), FALSE) AS is_remove,
    COALESCE(MAX(event_roles.is_checkout), FALSE) AS is_checkout,
    COALESCE(MAX(event_roles.is_conversion), FALSE) AS is_conversion,
    COALESCE(MAX(event_roles.is_funnel), FALSE) AS is_funnel,
    COALESCE(MAX(event_roles.is_ad), FALSE) AS is_ad
FROM canonical_events
LEFT JOIN event_roles ON canonical_events.event_type = event_roles.event_type
GROUP BY canonical_events.event_type
ORDER BY n_events DESC, event_type ASC NULLS LAST
