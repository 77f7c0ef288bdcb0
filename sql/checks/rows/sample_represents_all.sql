-- The sampled users and everyone, where their conversion rates are too far apart; one row each.
WITH counted AS (
    SELECT
        COUNT(*) AS n_all,
        COUNT(CASE WHEN sessions.is_converted THEN 1 END) AS n_all_converted,
        COUNT(sampled_users.user_id) AS n_sample,
        COUNT(CASE WHEN sessions.is_converted AND sampled_users.user_id IS NOT NULL THEN 1 END) AS n_sample_converted
    FROM sessions
    LEFT JOIN sampled_users
        ON sessions.user_id = sampled_users.user_id AND sessions.window_start = sampled_users.window_start
    WHERE sessions.window_start = :window_start AND NOT sessions.is_bot AND NOT sessions.is_censored
),

rates AS (
    SELECT
        CAST(n_all_converted AS DOUBLE) / NULLIF(CAST(n_all AS DOUBLE), 0) AS rate,
        CAST(n_sample_converted AS DOUBLE) / NULLIF(CAST(n_sample AS DOUBLE), 0) AS sample_rate,
        CAST(n_sample AS DOUBLE) AS size
    FROM counted
),

apart AS (
    SELECT (sample_rate - rate) / NULLIF(SQRT(rate * (1 - rate) / NULLIF(size, 0)), 0) AS standard_errors
    FROM rates
),

sides AS (
    SELECT 'everyone' AS users, n_all AS n_sessions, n_all_converted AS n_converted FROM counted
    UNION ALL
    SELECT 'sampled' AS users, n_sample AS n_sessions, n_sample_converted AS n_converted FROM counted
)

SELECT sides.users AS users, sides.n_sessions AS n_sessions, sides.n_converted AS n_converted
FROM sides
CROSS JOIN apart
WHERE apart.standard_errors < :standard_errors_apart_min OR apart.standard_errors > :standard_errors_apart_max
ORDER BY sides.users ASC
