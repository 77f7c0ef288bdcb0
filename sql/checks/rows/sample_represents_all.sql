-- The sampled users and everyone, where their conversion rates are too far apart; one row each.
WITH {common_tables},

sides AS (
    SELECT 'everyone' AS users, n_all AS n_sessions, n_all_converted AS n_converted FROM counted
    UNION ALL
    SELECT 'sampled' AS users, n_sample AS n_sessions, n_sample_converted AS n_converted FROM counted
)

SELECT sides.users AS users, sides.n_sessions AS n_sessions, sides.n_converted AS n_converted
FROM sides
CROSS JOIN apart
WHERE
    apart.standard_errors_apart < :standard_errors_apart_min
    OR apart.standard_errors_apart > :standard_errors_apart_max
ORDER BY sides.users ASC
