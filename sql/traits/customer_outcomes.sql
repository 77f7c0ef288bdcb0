-- Sessions of each customer in the window whose outcome is known, and how many converted; one row per customer.
SELECT
    user_id,
    COUNT(*) AS n_sessions,
    SUM(CASE WHEN is_converted THEN 1 ELSE 0 END) AS n_converted
FROM sessions
WHERE window_start = :window_start AND NOT is_bot AND NOT is_censored
GROUP BY user_id
ORDER BY user_id ASC
