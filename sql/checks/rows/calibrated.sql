-- The model's metrics, where its probabilities are far from observed rates; one row per population.
SELECT population, n_sessions, n_converted, prevalence, ece, brier, log_loss
FROM model_metrics_{variant}
WHERE window_start = :window_start AND model = 'transformer' AND population = 'all' AND ece > :ece_max
ORDER BY population ASC
