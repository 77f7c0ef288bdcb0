-- Other tests of the experiment that failed; one row per test.
WITH {common_tables}

SELECT test, name, value, p_value, meaning
FROM tests
WHERE NOT blocking AND NOT COALESCE(passed, FALSE)
ORDER BY test ASC, name ASC
