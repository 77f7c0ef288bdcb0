-- Sampled sessions that can be compared at a moment: no bots, none still open, something before the conversion; one row each.
-- n_before counts every event before the conversion, whatever its role: the search for leakage knows no funnel.
WITH counted AS (
    SELECT
        sessions.session_id AS session_id,
        sessions.user_id AS user_id,
        CASE WHEN sessions.is_converted THEN 1 ELSE 0 END AS label,
        CASE WHEN sessions.is_converted THEN sessions.conversion_event_index - 1 ELSE sessions.n_events END AS n_before
    FROM sessions
    INNER JOIN sampled_users
        ON sessions.user_id = sampled_users.user_id AND sessions.window_start = sampled_users.window_start
    WHERE sessions.window_start = :window_start AND NOT sessions.is_bot AND NOT sessions.is_censored
)

SELECT
    session_id,
    user_id,
    label,
    n_before
FROM counted
WHERE n_before >= 1
