-- Sessions by predicted probability, the highest first; one row per session.
SELECT
    session_id,
    user_id,
    conversion_probability,
    early_probability,
    risk_segment,
    decile,
    is_targeted,
    label,
    reason_1,
    reason_2,
    reason_3,
    COUNT(*) OVER () AS total_rows
FROM conversion_predictions_history
WHERE window_start = :window_start
ORDER BY conversion_probability DESC NULLS LAST, session_id
LIMIT :rows OFFSET :skip
