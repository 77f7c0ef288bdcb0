-- The model's highest AUC over its populations, NULL where there were too few sessions to measure one; one row.
SELECT COUNT(*) AS n_populations, MAX(auc) AS auc
FROM model_metrics_{variant}
WHERE window_start = :window_start AND model = 'transformer' AND population IN ('all', 'unseen')
