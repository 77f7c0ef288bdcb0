-- By how much the model that sees the funnel has the higher AUC on all sessions, NULL where none was measured; one row.
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

SELECT
    COUNT(*) AS n_populations,
    MIN(no_funnel_auc) AS no_funnel_auc,
    MIN(with_funnel_auc) AS with_funnel_auc,
    MIN(auc_gain) AS auc_gain
FROM measured
