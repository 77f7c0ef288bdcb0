-- The window's conversion rate against that of the windows it is compared with, together; one row. NULL with fewer than three.
-- significant_change is the relative change, and 0 where the rates are less than four standard errors apart.
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
),

compared AS (
    SELECT
        n_trailing_windows,
        conversion_rate,
        trailing_rate,
        (conversion_rate - trailing_rate) / NULLIF(SQRT(pooled_rate * (1 - pooled_rate) * inverse_sizes), 0)
            AS standard_errors_apart,
        conversion_rate / NULLIF(trailing_rate, 0) - 1 AS relative_change
    FROM rates
),

judged AS (
    SELECT
        conversion_rate,
        trailing_rate,
        n_trailing_windows,
        standard_errors_apart,
        relative_change,
        CASE
            WHEN n_trailing_windows < 3 THEN NULL
            WHEN ABS(COALESCE(standard_errors_apart, 0)) <= 4 THEN 0.0
            ELSE relative_change
        END AS significant_change
    FROM compared
)

SELECT
    conversion_rate,
    trailing_rate,
    n_trailing_windows,
    standard_errors_apart,
    relative_change,
    significant_change
FROM judged
