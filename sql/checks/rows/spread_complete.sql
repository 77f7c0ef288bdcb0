-- Effects whose spread stands twice, or has figures that can't be; one row per effect.
WITH effects AS (
    SELECT granularity, name, occurrences, mean_centred_effect, halves_mean, retraining_error, same_sign, models,
        ROW_NUMBER() OVER (PARTITION BY granularity, name ORDER BY occurrences ASC) AS place
    FROM attribution_spread_{variant}
    WHERE window_start = :window_start
)
SELECT granularity, name, occurrences, mean_centred_effect, halves_mean, retraining_error, same_sign, models
FROM effects
WHERE place > 1
    OR mean_centred_effect IS NULL OR occurrences < 1 OR retraining_error < 0 OR same_sign NOT BETWEEN 0 AND 1
    OR (models > 0 AND (halves_mean IS NULL OR retraining_error IS NULL OR same_sign IS NULL))
ORDER BY granularity ASC, name ASC, place ASC
