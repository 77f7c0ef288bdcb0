-- Other tests of the experiment that failed; one row.
WITH tests AS (
    SELECT test, name, value, p_value, passed, blocking, meaning
    FROM experiment_validity
    WHERE window_start = :window_start
)

SELECT COUNT(CASE WHEN NOT blocking AND NOT COALESCE(passed, FALSE) THEN 1 END) AS n_warnings
FROM tests
