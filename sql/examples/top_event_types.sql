-- The event types with the largest lift in the latest published window; one row per event type.
SELECT
    event_type,
    not_converted,
    converted,
    attribution_lift
FROM transformer_event_attribution_no_funnel
ORDER BY attribution_lift DESC
LIMIT 20
