-- How many features of a feature set are repeated, out of order or without a size; one row.
WITH placed AS (
    SELECT
        feature_set,
        feature,
        importance_rank,
        mean_abs_effect,
        direction,
        CASE WHEN COUNT(*) OVER (PARTITION BY feature_set, feature) > 1 THEN 1 ELSE 0 END AS is_repeated,
        CASE
            WHEN
                mean_abs_effect IS NULL OR mean_abs_effect < 0 OR ABS(mean_effect) > mean_abs_effect + 0.000001
                OR direction < -1.000001 OR direction > 1.000001 OR missing_share < 0 OR missing_share > 1
                OR importance_rank <> ROW_NUMBER() OVER (
                    PARTITION BY feature_set ORDER BY mean_abs_effect DESC, importance_rank ASC
                )
                THEN 1
            ELSE 0
        END AS is_wrong
    FROM shap_summary
    WHERE window_start = :window_start
)

SELECT
    COUNT(*) AS n_features,
    COALESCE(SUM(is_repeated), 0) AS n_repeated,
    COALESCE(SUM(is_wrong), 0) AS n_wrong
FROM placed
