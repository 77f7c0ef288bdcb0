-- Sessions that start outside their window, or end or convert at an impossible time; one row per session.
WITH {common_tables}

SELECT
    session_id,
    started_at,
    ended_at,
    converted_at,
    CAST(:window_start AS TIMESTAMP_NTZ) AS window_start,
    CAST(:window_end AS TIMESTAMP_NTZ) AS window_end
FROM placed
WHERE is_outside_window = 1 OR is_out_of_order = 1
ORDER BY session_id ASC, started_at ASC
