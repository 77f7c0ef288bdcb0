-- The window and those it is compared with, where its conversion rate has changed too much; one row per window.
WITH per_window AS (
    SELECT
        window_start,
        CAST(COUNT(*) AS DOUBLE) AS n_sessions,
        CAST(COUNT(CASE WHEN is_converted THEN 1 END) AS DOUBLE) AS n_converted
    FROM sessions
    WHERE
        window_start IN (
            :window_start,
            :trailing_1, :trailing_2, :trailing_3, :trailing_4,
        :trailing_5, :trailing_6, :trailing_7, :trailing_8
        )
        AND NOT is_bot AND NOT is_censored
    GROUP BY window_start
),

counted AS (
    SELECT
        SUM(CASE WHEN window_start = :window_start THEN n_sessions ELSE 0 END) AS n_here,
        SUM(CASE WHEN window_start = :window_start THEN n_converted ELSE 0 END) AS n_here_converted,
        SUM(CASE WHEN window_start <> :window_start THEN n_sessions ELSE 0 END) AS n_trailing,
        SUM(CASE WHEN window_start <> :window_start THEN n_converted ELSE 0 END) AS n_trailing_converted,
        COUNT(CASE WHEN window_start <> :window_start THEN 1 END) AS n_trailing_windows
    FROM per_window
),

rates AS (
    SELECT
        n_trailing_windows,
        n_here_converted / NULLIF(n_here, 0) AS conversion_rate,
        n_trailing_converted / NULLIF(n_trailing, 0) AS trailing_rate,
        (n_here_converted + n_trailing_converted) / NULLIF(n_here + n_trailing, 0) AS pooled_rate,
        1.0 / NULLIF(n_here, 0) + 1.0 / NULLIF(n_trailing, 0) AS inverse_sizes
    FROM counted
)

SELECT
    per_window.window_start AS window_start,
    CAST(per_window.n_sessions AS BIGINT) AS n_sessions,
    CAST(per_window.n_converted AS BIGINT) AS n_converted,
    per_window.n_converted / NULLIF(per_window.n_sessions, 0) AS conversion_rate
FROM per_window
CROSS JOIN rates
WHERE
    rates.n_trailing_windows >= 3
    AND ABS(rates.conversion_rate - rates.trailing_rate)
    > 4 * SQRT(rates.pooled_rate * (1 - rates.pooled_rate) * rates.inverse_sizes)
    AND (
        rates.conversion_rate < (1 + :significant_change_min) * rates.trailing_rate
        OR rates.conversion_rate > (1 + :significant_change_max) * rates.trailing_rate
    )
ORDER BY per_window.window_start DESC
