-- Tests that must pass and failed, and how many were judged, NULL where some could not be; one row.
SELECT
    COUNT(CASE WHEN NOT passed THEN 1 END) AS n_failed,
    CASE WHEN COUNT(passed) = COUNT(*) THEN COUNT(*) END AS n_judged
FROM attribution_trust_{variant}
WHERE window_start = :window_start AND blocking
