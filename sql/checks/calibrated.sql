-- The model's calibration error on all sessions, NULL where there were too few to measure it; one row.
SELECT COUNT(*) AS n_populations, MAX(ece) AS ece
FROM model_metrics_{variant}
WHERE window_start = :window_start AND model = 'transformer' AND population = 'all'
