-- The window's events that enter no session, with the reason; one row per rejected event.
SELECT
    window_start,
    rejection AS reason,
    event_id,
    user_id,
    device_id,
    event_at,
    CAST(NULL AS VARCHAR) AS event_at_raw,
    event_type,
    CAST(NULL AS VARCHAR) AS detail
FROM stg_events
WHERE window_start = :window_start AND rejection IS NOT NULL
