-- Populations on which the model's AUC is suspiciously high; one row per population.
SELECT population, n_sessions, n_converted, auc, auc_low, auc_high
FROM model_metrics_{variant}
WHERE window_start = :window_start AND model = 'transformer' AND population IN ('all', 'unseen') AND auc > :auc_max
ORDER BY population ASC
