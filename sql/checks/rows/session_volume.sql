-- The window and those it is compared with, where its sessions are out of the band; one row per window.
WITH volumes AS (
    SELECT window_start, COUNT(*) AS n_sessions
    FROM sessions
    WHERE window_start IN (
        :window_start,
        :trailing_1, :trailing_2, :trailing_3, :trailing_4,
        :trailing_5, :trailing_6, :trailing_7, :trailing_8
    )
    GROUP BY window_start
),

ranked AS (
    SELECT
        n_sessions,
        ROW_NUMBER() OVER (ORDER BY n_sessions ASC, window_start ASC) AS place,
        COUNT(*) OVER () AS n_windows
    FROM volumes
    WHERE window_start <> :window_start
),

middle AS (
    SELECT
        AVG(CASE WHEN 2 * place BETWEEN n_windows AND n_windows + 2 THEN CAST(n_sessions AS DOUBLE) END) AS median,
        COUNT(*) AS n_windows
    FROM ranked
),

here AS (
    SELECT COUNT(*) AS n_sessions FROM sessions WHERE window_start = :window_start
)

SELECT
    volumes.window_start AS window_start,
    volumes.n_sessions AS n_sessions,
    CAST(volumes.n_sessions AS DOUBLE) / NULLIF(middle.median, 0) AS volume_ratio
FROM volumes
CROSS JOIN middle
CROSS JOIN here
WHERE
    middle.n_windows >= 3
    AND (
        here.n_sessions < :volume_ratio_min * middle.median
        OR here.n_sessions > :volume_ratio_max * middle.median
    )
ORDER BY volumes.window_start DESC
