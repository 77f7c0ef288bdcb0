-- Session ids that occur more than once, or are missing; one row per id.
SELECT
    session_id,
    COUNT(*) AS n_sessions,
    MIN(started_at) AS first_started_at
FROM sessions
WHERE window_start = :window_start
GROUP BY session_id
HAVING COUNT(*) > 1 OR session_id IS NULL OR session_id = ''
ORDER BY n_sessions DESC, session_id ASC
