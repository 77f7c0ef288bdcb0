-- Populations on which the model that sees the funnel is worse than the one that does not; one row per population.
WITH measured AS (
    SELECT
        no_funnel.population AS population,
        no_funnel.n_sessions AS n_sessions,
        no_funnel.auc AS no_funnel_auc,
        with_funnel.auc AS with_funnel_auc,
        with_funnel.auc - no_funnel.auc AS auc_gain
    FROM model_metrics_no_funnel AS no_funnel
    INNER JOIN model_metrics_with_funnel AS with_funnel
        ON no_funnel.window_start = with_funnel.window_start
        AND no_funnel.model = with_funnel.model
        AND no_funnel.population = with_funnel.population
    WHERE no_funnel.window_start = :window_start AND no_funnel.model = 'transformer' AND no_funnel.population = 'all'
)

SELECT population, n_sessions, no_funnel_auc, with_funnel_auc, auc_gain
FROM measured
WHERE auc_gain < :auc_gain_min
ORDER BY population ASC
