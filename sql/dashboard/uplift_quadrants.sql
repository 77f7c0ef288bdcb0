-- Units by what the treatment does to them, and what to do with them; one row per quadrant and action.
SELECT
    quadrant,
    action,
    COUNT(*) AS units,
    CAST(COUNT(*) AS DOUBLE) / SUM(COUNT(*)) OVER () AS share_of_units,
    AVG(uplift) AS mean_uplift,
    AVG(uplift_low) AS mean_uplift_low,
    AVG(uplift_high) AS mean_uplift_high,
    AVG(control_rate) AS mean_control_rate
FROM uplift_scores_history
WHERE window_start = :window_start
GROUP BY quadrant, action
ORDER BY mean_uplift DESC, quadrant, action
