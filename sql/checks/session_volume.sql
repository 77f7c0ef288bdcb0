-- Sessions of the window against the median of the windows it is compared with; one row. NULL with fewer than three.
-- significant_ratio is 1 where the two are less than four standard errors of a count apart: few sessions vary by themselves.
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

-- The middle one, or the mean of the two in the middle.
middle AS (
    SELECT
        AVG(CASE WHEN 2 * place BETWEEN n_windows AND n_windows + 2 THEN CAST(n_sessions AS DOUBLE) END) AS median,
        COUNT(*) AS n_windows
    FROM ranked
),

here AS (
    SELECT COALESCE(SUM(n_sessions), 0) AS n_sessions FROM volumes WHERE window_start = :window_start
),

judged AS (
    SELECT
        here.n_sessions AS n_sessions,
        middle.n_windows AS n_trailing_windows,
        middle.median AS trailing_median,
        CASE WHEN middle.n_windows >= 3 THEN CAST(here.n_sessions AS DOUBLE) / NULLIF(middle.median, 0) END AS volume_ratio,
        CASE
            WHEN middle.n_windows < 3 THEN NULL
            WHEN ABS(here.n_sessions - middle.median) <= 4 * SQRT(here.n_sessions + middle.median) THEN 1.0
            ELSE CAST(here.n_sessions AS DOUBLE) / NULLIF(middle.median, 0)
        END AS significant_ratio
    FROM here
    CROSS JOIN middle
)

SELECT n_sessions, n_trailing_windows, trailing_median, volume_ratio, significant_ratio
FROM judged
