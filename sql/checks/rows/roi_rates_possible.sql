-- Rates behind the curve of ROI that can't be rates; one row per resample and share.
WITH {common_tables}

SELECT replicate, targeted_share, treated_rate, control_rate
FROM judged
WHERE is_wrong = 1
ORDER BY replicate ASC, targeted_share ASC
