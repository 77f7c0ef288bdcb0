-- Events of the sample that are not explained once by every method, or by a value that is no finite number; one row each.
WITH {common_tables}

SELECT
    method,
    session_id,
    event_position,
    event_type,
    signed_attribution,
    centred_attribution
FROM judged
WHERE is_uneven = 1 OR is_no_number = 1
ORDER BY session_id ASC, event_position ASC, method ASC
