-- Sessions that start outside their window, or end or convert at an impossible time; one row per session.
SELECT
    session_id,
    started_at,
    ended_at,
    converted_at,
    CAST(:window_start AS TIMESTAMP_NTZ) AS window_start,
    CAST(:window_end AS TIMESTAMP_NTZ) AS window_end
FROM sessions
WHERE
    sessions.window_start = :window_start
    AND (
        started_at < :window_start OR started_at >= :window_end
        OR ended_at < started_at OR converted_at < started_at OR converted_at > ended_at
    )
ORDER BY session_id ASC, started_at ASC
