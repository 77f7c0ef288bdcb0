-- How many places in sessions have more than one row, and how many rows lack what every event has; one row.
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

SELECT
    COUNT(*) AS n_places,
    COUNT(CASE WHEN n_rows > 1 THEN 1 END) AS n_repeated,
    COALESCE(SUM(n_incomplete), 0) AS n_incomplete
FROM places
