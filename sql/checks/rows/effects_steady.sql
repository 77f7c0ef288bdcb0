-- Event types whose mean effect changed, the largest change first; one row per event type.
WITH {common_tables}

SELECT event_type, effect_before, mean_centred_effect, effect_change, effect_change_error, occurrences_before, occurrences
FROM compared
WHERE is_changed = 1
ORDER BY ABS(effect_change) DESC, event_type ASC
