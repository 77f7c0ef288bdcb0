-- The window and those it is compared with, where its conversion rate has changed too much; one row per window.
WITH {common_tables}

SELECT
    per_window.window_start AS window_start,
    CAST(per_window.n_sessions AS BIGINT) AS n_sessions,
    CAST(per_window.n_converted AS BIGINT) AS n_converted,
    per_window.n_converted / NULLIF(per_window.n_sessions, 0) AS conversion_rate
FROM per_window
CROSS JOIN judged
WHERE judged.significant_change < :significant_change_min OR judged.significant_change > :significant_change_max
ORDER BY per_window.window_start DESC
