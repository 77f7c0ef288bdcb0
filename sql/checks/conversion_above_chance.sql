-- The chosen model's AUC on all sessions, from all that they held, and the upper end of its interval; one row.
SELECT
    MAX(value) AS auc,
    MAX(value_high) AS auc_high
FROM conversion_metrics
WHERE
    window_start = :window_start AND is_chosen AND feature_set = 'full' AND segment = 'all' AND metric = 'auc'
