-- Sessions and conversions as the table holds them, and sessions that stand there twice or lack an attribute; one row.
WITH attributes AS (
    SELECT session_id, COUNT(*) AS n_attributes, COUNT(DISTINCT attribute) AS n_different
    FROM session_attributes
    WHERE window_start = :window_start
    GROUP BY session_id
),

held AS (
    SELECT
        session_outcomes.session_id AS session_id,
        COUNT(*) AS n_rows,
        MAX(CASE WHEN session_outcomes.is_converted THEN 1 ELSE 0 END) AS is_converted,
        MAX(CASE WHEN session_outcomes.is_later THEN 1 ELSE 0 END) AS is_later,
        COALESCE(MAX(attributes.n_attributes), 0) AS n_attributes,
        COALESCE(MAX(attributes.n_different), 0) AS n_different
    FROM session_outcomes
    LEFT JOIN attributes ON session_outcomes.session_id = attributes.session_id
    WHERE session_outcomes.window_start = :window_start
    GROUP BY session_outcomes.session_id
)

SELECT
    COUNT(*) AS sql_sessions,
    COALESCE(SUM(is_converted), 0) AS sql_converted,
    COALESCE(SUM(is_later), 0) AS sql_later,
    COUNT(CASE WHEN n_rows > 1 THEN 1 END) AS n_repeated,
    COUNT(CASE WHEN n_attributes <> :n_attributes OR n_different <> :n_attributes THEN 1 END) AS n_incomplete
FROM held
