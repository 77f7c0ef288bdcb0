-- The uplift of each scored unit; one row per unit.
SELECT session_id, uplift
FROM uplift_scores
WHERE window_start = :window_start
ORDER BY session_id ASC
