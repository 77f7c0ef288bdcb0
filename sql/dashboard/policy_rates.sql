-- Conversion rates of both arms among the best-scored share, as measured and in each resample; one row per resample and share.
SELECT
    replicate,
    targeted_share,
    treated_rate,
    control_rate
FROM roi_rates_history
WHERE window_start = :window_start
ORDER BY replicate, targeted_share
