-- Chosen models with a calibration error above the bound; one row each.
SELECT feature_set, model, value, value_low, value_high
FROM conversion_metrics
WHERE window_start = :window_start AND is_chosen AND segment = 'all' AND metric = 'ece' AND value > :ece_max
ORDER BY feature_set ASC, model ASC
