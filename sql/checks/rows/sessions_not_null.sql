-- Sessions that lack what every session has; one row per session.
WITH {common_tables}

SELECT
    session_id,
    user_id,
    local_date,
    started_at,
    ended_at,
    n_events,
    n_no_funnel,
    is_converted,
    converted_at,
    conversion_event_index,
    is_bot,
    is_censored
FROM looked_at
WHERE is_incomplete = 1
ORDER BY session_id ASC, started_at ASC
