-- Units by predicted uplift, the highest first; one row per unit.
SELECT
    uplift_rank,
    session_id,
    user_id,
    uplift,
    uplift_low,
    uplift_high,
    quadrant,
    action,
    score_group,
    group_effect,
    COUNT(*) OVER () AS total_rows
FROM uplift_scores_history
WHERE window_start = :window_start
ORDER BY uplift_rank, session_id
LIMIT :rows OFFSET :skip
