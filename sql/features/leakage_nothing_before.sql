-- Sampled sessions that begin with their conversion, so that no event can have announced it; one row.
SELECT COUNT(*) AS n_converted
FROM sessions
INNER JOIN sampled_users
    ON sessions.user_id = sampled_users.user_id AND sessions.window_start = sampled_users.window_start
WHERE
    sessions.window_start = :window_start
    AND NOT sessions.is_bot AND NOT sessions.is_censored AND sessions.conversion_event_index = 1
