-- How many events have no session, lie outside it, or after its conversion; one row.
WITH placed AS (
    SELECT
        attributed.session_id AS session_id,
        attributed.event_position AS event_position,
        attributed.event_type AS event_type,
        attributed.event_at AS event_at,
        sessions.started_at AS started_at,
        sessions.ended_at AS ended_at,
        sessions.converted_at AS converted_at,
        CASE WHEN sessions.session_id IS NULL THEN 1 ELSE 0 END AS is_without_session,
        CASE
            WHEN
                attributed.event_at IS NULL
                OR attributed.event_at < sessions.started_at OR attributed.event_at > sessions.ended_at
                THEN 1
            ELSE 0
        END AS is_outside_session,
        CASE WHEN attributed.event_at > sessions.converted_at THEN 1 ELSE 0 END AS is_after_conversion
    FROM gradient_attribution_{variant} AS attributed
    LEFT JOIN sessions
        ON attributed.session_id = sessions.session_id AND attributed.window_start = sessions.window_start
    WHERE attributed.window_start = :window_start
)

SELECT
    COUNT(*) AS n_rows,
    COALESCE(SUM(is_without_session), 0) AS n_without_session,
    COALESCE(SUM(is_outside_session), 0) AS n_outside_session,
    COALESCE(SUM(is_after_conversion), 0) AS n_after_conversion
FROM placed
