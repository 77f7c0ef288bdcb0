-- Event types that were explained; one row per event type and variant.
SELECT
    event_type,
    '{variant}' AS variant,
    MAX(CASE WHEN is_funnel THEN 1 ELSE 0 END) = 1 AS is_funnel
FROM transformer_event_attribution_{variant}_history
GROUP BY event_type
