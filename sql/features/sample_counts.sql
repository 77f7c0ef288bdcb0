-- What became of the sampled sessions before any model sees them; one row per label.
SELECT
    CASE WHEN sessions.is_converted THEN 1 ELSE 0 END AS label,
    COUNT(*) AS n_sessions,
    COUNT(CASE WHEN sessions.is_bot THEN 1 END) AS n_bots,
    COUNT(CASE WHEN NOT sessions.is_bot AND sessions.is_censored THEN 1 END) AS n_censored,
    COUNT(
        CASE WHEN NOT sessions.is_bot AND NOT sessions.is_censored AND sessions.n_no_funnel = 0 THEN 1 END
    ) AS n_nothing_before,
    COUNT(
        CASE WHEN NOT sessions.is_bot AND NOT sessions.is_censored AND sessions.n_no_funnel >= 1 THEN 1 END
    ) AS n_usable
FROM sessions
INNER JOIN sampled_users
    ON sessions.user_id = sampled_users.user_id AND sessions.window_start = sampled_users.window_start
WHERE sessions.window_start = :window_start
GROUP BY CASE WHEN sessions.is_converted THEN 1 ELSE 0 END
ORDER BY label
