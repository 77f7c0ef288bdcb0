-- Explained sessions that fit a search, the highest probability first; one row per session.
SELECT
    session_id,
    user_id,
    event_at AS started_at,
    label,
    probability,
    n_events,
    in_risk_set,
    COUNT(*) OVER () AS total_rows
FROM gradient_attribution_{variant}_history
WHERE window_start = :window_start
    AND event_position = 0
    AND CONTAINS(session_id, :text)
    AND label BETWEEN :lowest_label AND :highest_label
    AND probability BETWEEN :lowest_probability AND :highest_probability
    AND (:event_type = '' OR session_id IN (
        SELECT session_id
        FROM gradient_attribution_{variant}_history
        WHERE window_start = :window_start AND event_type = :event_type
    ))
ORDER BY probability DESC NULLS LAST, session_id
LIMIT :rows OFFSET :skip
