-- The largest calibration error of the chosen models on all sessions; one row.
SELECT MAX(value) AS ece
FROM conversion_metrics
WHERE window_start = :window_start AND is_chosen AND segment = 'all' AND metric = 'ece'
