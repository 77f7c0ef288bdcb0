-- The lowest upper end of the AUC's interval over the populations, NULL where none was measured; one row.
SELECT COUNT(*) AS n_populations, MIN(auc_high) AS auc_high
FROM model_metrics_{variant}
WHERE window_start = :window_start AND model = 'transformer' AND population IN ('all', 'unseen')
