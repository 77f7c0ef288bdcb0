-- The event types that explained sessions hold; one row per event type.
SELECT DISTINCT event_type
FROM gradient_attribution_{variant}_history
WHERE window_start = :window_start
ORDER BY event_type
