-- Units of an experiment with their predicted uplift; one row per window and unit.
SELECT
    window_start,
    session_id,
    user_id,
    uplift,
    uplift_low,
    uplift_high,
    quadrant,
    action,
    score_group,
    uplift_rank
FROM uplift_scores_history
