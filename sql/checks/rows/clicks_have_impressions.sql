-- Events of journeys without their impression before them, or outside the look-back; one row each.
WITH {common_tables}

SELECT journey_id, event_position, event_type, hours_before, lacks_impression, is_outside
FROM judged
WHERE lacks_impression + is_outside > 0
ORDER BY journey_id ASC, event_position ASC
