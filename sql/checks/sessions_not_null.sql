-- How many sessions lack what every session has; one row.
SELECT
    COUNT(*) AS n_sessions,
    COUNT(
        CASE
            WHEN
                user_id IS NULL OR local_date IS NULL OR started_at IS NULL OR ended_at IS NULL
                OR n_events IS NULL OR n_events < 1 OR n_no_funnel IS NULL
                OR is_converted IS NULL OR is_bot IS NULL OR is_censored IS NULL
                OR is_converted AND (converted_at IS NULL OR conversion_event_index IS NULL)
                THEN 1
        END
    ) AS n_incomplete
FROM sessions
WHERE window_start = :window_start
