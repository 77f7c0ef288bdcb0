-- Findings that are repeated, not significant, of a funnel event, or contradict their own numbers; one row per finding.
WITH {common_tables}

SELECT variant, event_type, mean_centred_effect, q_value, n_same, sentence
FROM judged
WHERE n_same > 1 OR is_wrong = 1
ORDER BY variant ASC, event_type ASC NULLS FIRST, mean_centred_effect ASC
