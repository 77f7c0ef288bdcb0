-- Event types whose mean effect changed against the explained windows before, by more than counts and than chance; one row.
SELECT
    COUNT(effect_change_error) AS n_compared,
    COUNT(
        CASE WHEN ABS(effect_change) > :least_change AND ABS(effect_change) > 4 * effect_change_error THEN 1 END
    ) AS n_changed
FROM attribution_drift_{variant}
WHERE window_start = :window_start
