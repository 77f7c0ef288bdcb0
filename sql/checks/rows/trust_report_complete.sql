-- Tests of the trust report that occur twice, have no meaning, or whose verdict contradicts their bounds; one row per test.
WITH {common_tables}

SELECT granularity, test, method, value, bound_low, bound_high, passed, blocking, meaning
FROM tests
WHERE place > 1 OR is_unexplained = 1 OR is_contradicting = 1
ORDER BY granularity ASC, test ASC, method ASC, place ASC
