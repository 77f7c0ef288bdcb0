-- Conversion rates of both arms among the best-scored share, as measured and in each resample; one row per share and resample.
SELECT
    targeted_share,
    replicate,
    treated_rate,
    control_rate,
    units
FROM roi_rates_history
WHERE window_start = :window_start
ORDER BY replicate, targeted_share
