-- How many sessions start outside their window, and how many end or convert at an impossible time; one row.
WITH placed AS (
    SELECT
        session_id,
        started_at,
        ended_at,
        converted_at,
        CASE WHEN started_at < :window_start OR started_at >= :window_end THEN 1 ELSE 0 END AS is_outside_window,
        CASE
            WHEN ended_at < started_at OR converted_at < started_at OR converted_at > ended_at THEN 1 ELSE 0
        END AS is_out_of_order
    FROM sessions
    WHERE window_start = :window_start
)

SELECT
    COUNT(*) AS n_sessions,
    COALESCE(SUM(is_outside_window), 0) AS n_outside_window,
    COALESCE(SUM(is_out_of_order), 0) AS n_out_of_order
FROM placed
