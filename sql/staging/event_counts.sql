-- How many of the window's own events were kept and how many rejected, by reason (NULL: kept); one row per reason.
SELECT
    rejection AS reason,
    COUNT(*) AS n_events
FROM stg_events
WHERE window_start = :window_start AND window_side = 0
GROUP BY rejection
ORDER BY n_events DESC, reason ASC NULLS FIRST
