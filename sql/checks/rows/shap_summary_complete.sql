-- Features of the SHAP summary that are repeated, out of order or without a size; one row each.
WITH {common_tables}

SELECT feature_set, feature, importance_rank, mean_abs_effect, direction
FROM placed
WHERE is_repeated = 1 OR is_wrong = 1
ORDER BY feature_set ASC, feature ASC, importance_rank ASC
