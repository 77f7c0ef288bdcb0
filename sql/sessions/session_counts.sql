-- Sessions of the window by what they are; one row.
SELECT
    COUNT(*) AS n_sessions,
    COUNT(CASE WHEN is_converted THEN 1 END) AS n_converted,
    COUNT(CASE WHEN is_bot THEN 1 END) AS n_bots,
    COUNT(CASE WHEN is_censored THEN 1 END) AS n_censored
FROM sessions
WHERE window_start = :window_start
