-- What moves the predictions of the chosen model, by SHAP values; one row per feature set and feature.
SELECT
    feature_set,
    importance_rank,
    feature,
    mean_abs_effect,
    mean_effect,
    direction,
    missing_share,
    model
FROM shap_summary_history
WHERE window_start = :window_start
ORDER BY feature_set DESC, importance_rank
