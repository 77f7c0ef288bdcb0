-- Conversion rate of the sampled users' sessions against everyone's, in standard errors; one row.
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
        CAST(n_all_converted AS DOUBLE) / NULLIF(CAST(n_all AS DOUBLE), 0) AS conversion_rate,
        CAST(n_sample_converted AS DOUBLE) / NULLIF(CAST(n_sample AS DOUBLE), 0) AS sample_conversion_rate,
        CAST(n_sample AS DOUBLE) AS n_sample
    FROM counted
),

apart AS (
    SELECT
        conversion_rate,
        sample_conversion_rate,
        COALESCE(
            (sample_conversion_rate - conversion_rate)
            / NULLIF(SQRT(conversion_rate * (1 - conversion_rate) / NULLIF(n_sample, 0)), 0),
            0
        ) AS standard_errors_apart
    FROM rates
)

SELECT conversion_rate, sample_conversion_rate, standard_errors_apart
FROM apart
