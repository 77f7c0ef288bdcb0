-- How many traits are none of the window before; one row.
WITH compared AS (
    SELECT trait, trait_identity, previous_window, size_share, CASE WHEN is_drift THEN 1 ELSE 0 END AS is_new
    FROM trait_drift
    WHERE window_start = :window_start
)

SELECT COUNT(previous_window) AS n_compared, COALESCE(SUM(is_new), 0) AS n_new
FROM compared
