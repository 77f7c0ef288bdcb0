-- Events with a probability that is none, or a logit or an attribution that is no finite number; one row per event.
WITH {common_tables}

SELECT
    session_id,
    event_position,
    event_type,
    probability,
    logit,
    signed_attribution,
    centred_attribution,
    relative_attribution
FROM measured
WHERE is_out_of_range = 1 OR is_not_finite = 1
ORDER BY session_id ASC, event_position ASC
