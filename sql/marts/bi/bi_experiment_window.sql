-- Periods of assignment of an experiment; one row per window.
SELECT
    window_start,
    MAX(targeted_units) AS units
FROM roi_simulation_history
GROUP BY window_start
