-- One session's events with the published attribution; one row per event.
SELECT
    event_position,
    event_at,
    event_type,
    COALESCE(store_name, store_id) AS store_name,
    signed_attribution,
    centred_attribution,
    gradient_attribution,
    label,
    probability,
    logit,
    in_risk_set,
    n_events
FROM gradient_attribution_{variant}_history
WHERE window_start = :window_start AND session_id = :session_id
ORDER BY event_position
