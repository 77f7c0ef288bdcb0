-- Populations on which the model that sees the funnel is worse than the one that does not; one row per population.
WITH {common_tables}

SELECT population, n_sessions, no_funnel_auc, with_funnel_auc, auc_gain
FROM measured
WHERE auc_gain < :auc_gain_min
ORDER BY population ASC
