-- How many sessions start outside their window, and how many end or convert at an impossible time; one row.
SELECT
    COUNT(*) AS n_sessions,
    COUNT(CASE WHEN started_at < :window_start OR started_at >= :window_end THEN 1 END) AS n_outside_window,
    COUNT(
        CASE WHEN ended_at < started_at OR converted_at < started_at OR converted_at > ended_at THEN 1 END
    ) AS n_out_of_order
FROM sessions
WHERE window_start = :window_start
