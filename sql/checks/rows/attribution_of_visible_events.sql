-- Events a model should not have seen: conversions, and funnel events unless the variant keeps them; one row per event.
WITH {common_tables}

SELECT session_id, event_position, event_type, event_at
FROM seen
WHERE is_hidden = 1
ORDER BY session_id ASC, event_position ASC
