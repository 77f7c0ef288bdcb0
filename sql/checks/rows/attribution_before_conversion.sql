-- Events that have no session, lie outside it, or after its conversion; one row per event.
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

SELECT session_id, event_position, event_type, event_at, started_at, ended_at, converted_at
FROM placed
WHERE
    known_session IS NULL
    OR event_at IS NULL OR event_at < started_at OR event_at > ended_at
    OR event_at > converted_at
ORDER BY session_id ASC, event_position ASC
