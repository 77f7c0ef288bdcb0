-- How many events have a probability that is none, and how many a logit or an attribution that is no finite number; one row.
-- Only a finite number less itself is 0; an engine may not read a comparison with a bound off a file's statistics instead.
SELECT
    COUNT(*) AS n_rows,
    COUNT(
        CASE WHEN probability - probability = 0 AND probability >= 0 AND probability <= 1 THEN NULL ELSE 1 END
    ) AS n_out_of_range,
    COUNT(
        CASE
            WHEN logit - logit = 0
            AND COALESCE(signed_attribution - signed_attribution, 0) = 0
            AND COALESCE(centred_attribution - centred_attribution, 0) = 0
            AND COALESCE(relative_attribution - relative_attribution, 0) = 0
                THEN NULL
            ELSE 1
        END
    ) AS n_not_finite
FROM gradient_attribution_{variant}
WHERE window_start = :window_start
