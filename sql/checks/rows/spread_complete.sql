-- Effects whose spread stands twice, or has figures that can't be; one row per effect.
WITH {common_tables}

SELECT
    granularity,
    name,
    occurrences,
    mean_centred_effect,
    halves_mean,
    retraining_error,
    retraining_low,
    retraining_high,
    retraining_q,
    same_sign,
    models
FROM effects
WHERE place > 1 OR is_out_of_range = 1
ORDER BY granularity ASC, name ASC, place ASC
