-- What each compared session shows up to its moment; one row per session and event type that occurs in it.
-- n_after counts the events between the type's last occurrence and the moment: 0 stands right before it.
SELECT
    leakage_moments.session_id AS session_id,
    leakage_moments.user_id AS user_id,
    leakage_moments.label AS label,
    session_events.event_type AS event_type,
    COUNT(*) AS n_events,
    MIN(leakage_moments.cut_at - session_events.event_index) AS n_after
FROM session_events
INNER JOIN leakage_moments
    ON session_events.session_id = leakage_moments.session_id
    AND session_events.window_start = leakage_moments.window_start
WHERE session_events.window_start = :window_start AND session_events.event_index <= leakage_moments.cut_at
GROUP BY
    leakage_moments.session_id,
    leakage_moments.user_id,
    leakage_moments.label,
    session_events.event_type
ORDER BY session_id, event_type
