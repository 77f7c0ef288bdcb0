-- Places in sessions that have more than one row, or a row that lacks what every event has; one row per place.
WITH places AS (
    SELECT
        session_id,
        event_position,
        COUNT(*) AS n_rows,
        COUNT(
            CASE
                WHEN
                    session_id IS NULL OR event_position IS NULL OR event_type IS NULL
                    OR label IS NULL OR user_id IS NULL OR in_risk_set IS NULL
                    THEN 1
            END
        ) AS n_incomplete
    FROM gradient_attribution_{variant}
    WHERE window_start = :window_start
    GROUP BY session_id, event_position
)

SELECT session_id, event_position, n_rows, n_incomplete
FROM places
WHERE n_rows > 1 OR n_incomplete > 0
ORDER BY session_id ASC, event_position ASC
