-- Event types whose mean effect changed, the largest change first; one row per event type.
SELECT event_type, effect_before, mean_centred_effect, effect_change, effect_change_error, occurrences_before, occurrences
FROM attribution_drift_{variant}
WHERE
    window_start = :window_start
    AND ABS(effect_change) > :least_change AND ABS(effect_change) > 4 * effect_change_error
ORDER BY ABS(effect_change) DESC, event_type ASC
