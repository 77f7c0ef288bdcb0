-- Events a model should not have seen: conversions, and funnel events unless the variant keeps them; one row per event.
SELECT
    attributed.session_id AS session_id,
    attributed.event_position AS event_position,
    attributed.event_type AS event_type,
    attributed.event_at AS event_at
FROM gradient_attribution_{variant} AS attributed
INNER JOIN event_roles ON attributed.event_type = event_roles.event_type
WHERE
    attributed.window_start = :window_start
    AND (event_roles.is_conversion OR event_roles.is_funnel AND :funnel_rule <> 'keep')
ORDER BY attributed.session_id ASC, attributed.event_position ASC
