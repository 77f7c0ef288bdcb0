-- Events that have no session, lie outside it, or after its conversion; one row per event.
WITH {common_tables}

SELECT session_id, event_position, event_type, event_at, started_at, ended_at, converted_at
FROM placed
WHERE is_without_session = 1 OR is_outside_session = 1 OR is_after_conversion = 1
ORDER BY session_id ASC, event_position ASC
