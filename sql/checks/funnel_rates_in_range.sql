-- How many stages occur twice, and how many have an impossible rate or drop-off; one row.
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
),

marked AS (
    SELECT
        stage,
        stage_order,
        sessions,
        rate,
        drop_off,
        n_same,
        CASE WHEN stage IS NULL OR n_same > 1 THEN 1 ELSE 0 END AS is_repeated,
        -- A rate has no value in a window without sessions, a drop-off none at the first stage and after an empty one.
        CASE
            WHEN
                rate < 0 OR rate > 1 OR drop_off < 0 OR drop_off > 1
                OR (drop_off IS NULL) <> (COALESCE(sessions_before, 0) = 0)
                THEN 1
            ELSE 0
        END AS is_out_of_range
    FROM placed
)

SELECT
    COUNT(*) AS n_stages,
    COALESCE(SUM(is_repeated), 0) AS n_repeated,
    COALESCE(SUM(is_out_of_range), 0) AS n_out_of_range
FROM marked
