-- Places in sessions that have more than one row, or a row that lacks what every event has; one row per place.
WITH {common_tables}

SELECT session_id, event_position, n_rows, n_incomplete
FROM places
WHERE n_rows > 1 OR n_incomplete > 0
ORDER BY session_id ASC, event_position ASC
