-- Tests that failed and invalidate the experiment; one row per test.
WITH {common_tables}

SELECT test, name, value, p_value, meaning
FROM tests
WHERE blocking AND NOT COALESCE(passed, FALSE)
ORDER BY test ASC, name ASC
