-- Tests of the trust report that occur twice, have no meaning, or whose verdict contradicts their bounds; one row per test.
WITH tests AS (
    SELECT granularity, test, method, value, bound_low, bound_high, passed, blocking, meaning,
        ROW_NUMBER() OVER (PARTITION BY granularity, test, method ORDER BY value ASC NULLS LAST) AS place
    FROM attribution_trust_{variant}
    WHERE window_start = :window_start
)
SELECT granularity, test, method, value, bound_low, bound_high, passed, blocking, meaning
FROM tests
WHERE place > 1
    OR COALESCE(meaning, '') = ''
    OR (passed AND (value IS NULL OR (bound_low IS NULL AND bound_high IS NULL)))
    OR (passed AND (value <= bound_low OR value >= bound_high))
    OR (blocking AND bound_low IS NULL AND bound_high IS NULL)
ORDER BY granularity ASC, test ASC, method ASC, place ASC
