-- How many sessions lack what every session has; one row.
WITH looked_at AS (
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
        is_censored,
        CASE
            WHEN
                user_id IS NULL OR local_date IS NULL OR started_at IS NULL OR ended_at IS NULL
                OR n_events IS NULL OR n_events < 1 OR n_no_funnel IS NULL
                OR is_converted IS NULL OR is_bot IS NULL OR is_censored IS NULL
                OR is_converted AND (converted_at IS NULL OR conversion_event_index IS NULL)
                THEN 1
            ELSE 0
        END AS is_incomplete
    FROM sessions
    WHERE window_start = :window_start
)

SELECT COUNT(*) AS n_sessions, COALESCE(SUM(is_incomplete), 0) AS n_incomplete
FROM looked_at
