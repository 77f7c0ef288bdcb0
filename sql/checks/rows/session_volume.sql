-- The window and those it is compared with, where its sessions are out of the band; one row per window.
WITH {common_tables}

SELECT
    volumes.window_start AS window_start,
    volumes.n_sessions AS n_sessions,
    CAST(volumes.n_sessions AS DOUBLE) / NULLIF(judged.trailing_median, 0) AS volume_ratio
FROM volumes
CROSS JOIN judged
WHERE judged.significant_ratio < :significant_ratio_min OR judged.significant_ratio > :significant_ratio_max
ORDER BY volumes.window_start DESC
