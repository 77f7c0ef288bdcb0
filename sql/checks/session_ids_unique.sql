-- How many sessions and how many different ids the window has; one row.
SELECT
    COUNT(*) AS n_sessions,
    COUNT(DISTINCT session_id) AS n_ids,
    COUNT(CASE WHEN session_id IS NULL OR session_id = '' THEN 1 END) AS n_missing
FROM sessions
WHERE window_start = :window_start
