-- Sessions whose shares don't sum to 1, or with a negative share; one row per session.
WITH {common_tables}

SELECT session_id, n_events, total, n_negative
FROM compared
WHERE n_negative > 0 OR is_wrong_sum = 1
ORDER BY session_id ASC
