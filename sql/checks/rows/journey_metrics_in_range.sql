-- Predictors that occur twice, or whose metrics can't be; one row each.
WITH {common_tables}

SELECT model, n_journeys, auc, log_loss, is_repeated, is_out_of_range, is_of_others
FROM judged
WHERE is_repeated + is_out_of_range + is_of_others > 0
ORDER BY model ASC
