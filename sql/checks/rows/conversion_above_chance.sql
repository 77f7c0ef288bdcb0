-- Chosen models that predict clearly worse than chance; one row each.
SELECT feature_set, model, value, value_low, value_high
FROM conversion_metrics
WHERE
    window_start = :window_start AND is_chosen AND feature_set = 'full' AND segment = 'all' AND metric = 'auc'
    AND value_high < :auc_high_min
ORDER BY model ASC
