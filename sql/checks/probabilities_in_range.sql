-- How many events have a probability that is none, and how many a logit or an attribution that is no finite number; one row.
-- Only a finite number less itself is 0; an engine may not read a comparison with a bound off a file's statistics instead.
WITH measured AS (
    SELECT
        session_id,
        event_position,
        event_type,
        probability,
        logit,
        signed_attribution,
        centred_attribution,
        relative_attribution,
        CASE
            WHEN probability - probability = 0 AND probability >= 0 AND probability <= 1 THEN 0 ELSE 1
        END AS is_out_of_range,
        CASE
            WHEN logit - logit = 0
            AND COALESCE(signed_attribution - signed_attribution, 0) = 0
            AND COALESCE(centred_attribution - centred_attribution, 0) = 0
            AND COALESCE(relative_attribution - relative_attribution, 0) = 0
                THEN 0
            ELSE 1
        END AS is_not_finite
    FROM gradient_attribution_{variant}
    WHERE window_start = :window_start
)

SELECT
    COUNT(*) AS n_rows,
    COALESCE(SUM(is_out_of_range), 0) AS n_out_of_range,
    COALESCE(SUM(is_not_finite), 0) AS n_not_finite
FROM measured
