-- Effects whose spread stands twice, or has figures that can't be; one row.
WITH effects AS (
    SELECT mean_centred_effect, halves_mean, retraining_error, same_sign, occurrences, models,
        ROW_NUMBER() OVER (PARTITION BY granularity, name ORDER BY occurrences ASC) AS place
    FROM attribution_spread_{variant}
    WHERE window_start = :window_start
)
SELECT
    COUNT(CASE WHEN place > 1 THEN 1 END) AS n_repeated,
    COUNT(
        CASE
            WHEN mean_centred_effect IS NULL OR occurrences < 1 OR retraining_error < 0 OR same_sign NOT BETWEEN 0 AND 1 THEN 1
            WHEN models > 0 AND (halves_mean IS NULL OR retraining_error IS NULL OR same_sign IS NULL) THEN 1
        END
    ) AS n_out_of_range
FROM effects
