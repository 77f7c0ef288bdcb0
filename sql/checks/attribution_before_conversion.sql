-- How many events have no session, lie outside it, or after its conversion; one row.
WITH placed AS (
    SELECT
        attributed.session_id AS session_id,
        attributed.event_position AS event_position,
        attributed.event_type AS event_type,
        attributed.event_at AS event_at,
        sessions.session_id AS known_session,
        sessions.started_at AS started_at,
        sessions.ended_at AS ended_at,
        sessions.converted_at AS converted_at
    FROM gradient_attribution_{variant} AS attributed
    LEFT JOIN sessions
        ON attributed.session_id = sessions.session_id AND attributed.window_start = sessions.window_start
    WHERE attributed.window_start = :window_start
)

SELECT
    COUNT(*) AS n_rows,
    COUNT(CASE WHEN known_session IS NULL THEN 1 END) AS n_without_session,
    COUNT(CASE WHEN event_at IS NULL OR event_at < started_at OR event_at > ended_at THEN 1 END) AS n_outside_session,
    COUNT(CASE WHEN event_at > converted_at THEN 1 END) AS n_after_conversion
FROM placed
