-- Populations on which the model is clearly worse than chance; one row per population.
SELECT population, n_sessions, n_converted, auc, auc_low, auc_high
FROM model_metrics_{variant}
WHERE window_start = :window_start AND model = 'transformer' AND population IN ('all', 'unseen') AND auc_high < :auc_high_min
ORDER BY population ASC
