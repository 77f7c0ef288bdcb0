-- Stages that occur twice, or have an impossible rate or drop-off; one row each.
WITH placed AS (
    SELECT
        stage,
        stage_order,
        sessions,
        rate,
        drop_off,
        COUNT(*) OVER (PARTITION BY stage) AS n_same,
        LAG(sessions) OVER (ORDER BY stage_order ASC, stage ASC) AS sessions_before
    FROM funnel_metrics
    WHERE window_start = :window_start
)

SELECT stage, stage_order, sessions, rate, drop_off, n_same
FROM placed
WHERE
    stage IS NULL OR n_same > 1
    OR rate < 0 OR rate > 1 OR drop_off < 0 OR drop_off > 1
    OR (drop_off IS NULL) <> (COALESCE(sessions_before, 0) = 0)
ORDER BY stage_order ASC, stage ASC
