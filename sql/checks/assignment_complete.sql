-- Units of the experiment, those that occur twice for an outcome, lack one, or have two arms; one row.
WITH units AS (
    SELECT
        session_id,
        COUNT(*) AS n_rows,
        COUNT(DISTINCT outcome) AS n_outcomes,
        COUNT(DISTINCT arm) AS n_arms,
        COUNT(happened) AS n_happened,
        MAX(CASE WHEN is_treated THEN 1 ELSE 0 END) AS is_treated,
        MAX(CASE WHEN is_treated THEN 0 WHEN is_treated IS NULL THEN 0 ELSE 1 END) AS is_control
    FROM treatment_assignment
    WHERE window_start = :window_start
    GROUP BY session_id
)

SELECT
    COALESCE(SUM(CASE WHEN n_rows > n_outcomes THEN 1 ELSE 0 END), 0) AS n_repeated,
    COALESCE(SUM(CASE WHEN n_outcomes <> :n_outcomes OR n_arms <> 1 OR n_happened < n_rows THEN 1 ELSE 0 END), 0) AS n_incomplete,
    COALESCE(SUM(is_treated), 0) AS n_treated,
    COALESCE(SUM(is_control), 0) AS n_control
FROM units
