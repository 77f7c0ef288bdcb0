-- How many sessions and events the attribution has; one row.
SELECT COUNT(DISTINCT session_id) AS sql_sessions, COUNT(*) AS sql_events
FROM gradient_attribution_{variant}
WHERE window_start = :window_start
