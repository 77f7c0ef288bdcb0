-- Effects whose spread stands twice, or has figures that can't be; one row.
WITH effects AS (
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
        models,
        ROW_NUMBER() OVER (PARTITION BY granularity, name ORDER BY occurrences ASC) AS place,
        CASE
            WHEN mean_centred_effect IS NULL OR occurrences < 1 THEN 1
            WHEN retraining_error < 0 OR retraining_low > mean_centred_effect OR retraining_high < mean_centred_effect THEN 1
            WHEN retraining_q < 0 OR retraining_q > 1 OR same_sign < 0 OR same_sign > 1 THEN 1
            WHEN
                models > 0
                AND (halves_mean IS NULL OR retraining_error IS NULL OR retraining_q IS NULL OR same_sign IS NULL)
                THEN 1
            ELSE 0
        END AS is_out_of_range
    FROM attribution_spread_{variant}
    WHERE window_start = :window_start
)

SELECT
    COUNT(CASE WHEN place > 1 THEN 1 END) AS n_repeated,
    COALESCE(SUM(is_out_of_range), 0) AS n_out_of_range
FROM effects
