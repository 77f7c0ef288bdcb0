-- Sampled sessions that a model may learn from: no bots, none still open, something before the conversion; one row each.
SELECT
    sessions.session_id AS session_id,
    sessions.user_id AS user_id,
    CASE WHEN sessions.is_converted THEN 1 ELSE 0 END AS label,
    sessions.n_no_funnel AS n_no_funnel
FROM sessions
INNER JOIN sampled_users
    ON sessions.user_id = sampled_users.user_id AND sessions.window_start = sampled_users.window_start
WHERE
    sessions.window_start = :window_start
    AND NOT sessions.is_bot AND NOT sessions.is_censored AND sessions.n_no_funnel >= 1
