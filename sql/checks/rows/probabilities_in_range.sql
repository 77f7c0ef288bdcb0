-- Events with a probability that is none, or a logit or an attribution that is no finite number; one row per event.
SELECT
    session_id,
    event_position,
    event_type,
    probability,
    logit,
    signed_attribution,
    centred_attribution,
    relative_attribution
FROM gradient_attribution_{variant}
WHERE
    window_start = :window_start
    AND CASE
        WHEN probability - probability = 0 AND probability >= 0 AND probability <= 1
        AND logit - logit = 0
        AND COALESCE(signed_attribution - signed_attribution, 0) = 0
        AND COALESCE(centred_attribution - centred_attribution, 0) = 0
        AND COALESCE(relative_attribution - relative_attribution, 0) = 0
            THEN 0
        ELSE 1
    END = 1
ORDER BY session_id ASC, event_position ASC
