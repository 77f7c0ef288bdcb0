-- The journey model's calibration error, NULL where too few bought; one row.
SELECT COUNT(*) AS n_rows, MAX(ece) AS ece
FROM journey_metrics
WHERE window_start = :window_start AND model = 'journey_model'
