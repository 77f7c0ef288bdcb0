-- The journey model's metrics where its calibration error is too large; one row.
SELECT model, n_journeys, n_bought, predicted_purchases, ece
FROM journey_metrics
WHERE window_start = :window_start AND model = 'journey_model' AND ece > :ece_max
ORDER BY model ASC
