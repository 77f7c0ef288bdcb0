-- How often sessions of all users convert that hold something before the conversion, and how much their users make of the
-- variance: the ground an experiment stands on; one row.
WITH usable AS (
    SELECT user_id, CASE WHEN is_converted THEN 1 ELSE 0 END AS label
    FROM sessions
    WHERE window_start = :window_start AND NOT is_bot AND NOT is_censored AND n_no_funnel >= 1
),

user_sums AS (
    SELECT user_id, COUNT(*) AS n, SUM(label) AS converted
    FROM usable
    GROUP BY user_id
),

residuals AS (
    SELECT
        n,
        converted,
        converted - n * (CAST(SUM(converted) OVER () AS DOUBLE) / SUM(n) OVER ()) AS residual,
        SUM(n) OVER () - n AS n_others
    FROM user_sums
)

SELECT
    CAST(COALESCE(SUM(n), 0) AS BIGINT) AS n_sessions,
    CAST(COALESCE(SUM(converted), 0) AS BIGINT) AS n_converted,
    COUNT(*) AS n_users,
    SQRT(SUM(residual * residual / NULLIF(n_others, 0)) / SUM(n)) AS standard_error
FROM residuals
