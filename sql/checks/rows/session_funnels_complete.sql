-- Sessions that have not exactly one row of funnels, or the other way round; one row per session id.
WITH {common_tables}

SELECT session_id, n_sessions, n_funnels
FROM compared
WHERE is_not_once = 1
ORDER BY session_id ASC
