-- Tests of the experiment, and those that failed and invalidate it; one row.
WITH tests AS (
    SELECT test, name, value, p_value, passed, blocking, meaning
    FROM experiment_validity
    WHERE window_start = :window_start
)

SELECT
    COUNT(*) AS n_tests,
    COUNT(CASE WHEN blocking AND NOT COALESCE(passed, FALSE) THEN 1 END) AS n_failed
FROM tests
