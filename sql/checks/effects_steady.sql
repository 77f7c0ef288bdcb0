-- Event types whose mean effect changed against the explained windows before, by more than counts and than chance; one row.
WITH compared AS (
    SELECT
        event_type,
        effect_before,
        mean_centred_effect,
        effect_change,
        effect_change_error,
        occurrences_before,
        occurrences,
        CASE
            WHEN ABS(effect_change) > :least_change AND ABS(effect_change) > 4 * effect_change_error THEN 1 ELSE 0
        END AS is_changed
    FROM attribution_drift_{variant}
    WHERE window_start = :window_start
)

SELECT COUNT(effect_change_error) AS n_compared, COALESCE(SUM(is_changed), 0) AS n_changed
FROM compared
