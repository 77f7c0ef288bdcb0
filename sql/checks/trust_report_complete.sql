-- Tests of the trust report, those that occur twice, without a meaning, and whose verdict contradicts their bounds; one row.
WITH tests AS (
    SELECT
        granularity,
        test,
        method,
        value,
        bound_low,
        bound_high,
        passed,
        blocking,
        meaning,
        ROW_NUMBER() OVER (PARTITION BY granularity, test, method ORDER BY value ASC NULLS LAST) AS place,
        CASE WHEN COALESCE(meaning, '') = '' THEN 1 ELSE 0 END AS is_unexplained,
        CASE
            WHEN passed AND (value IS NULL OR (bound_low IS NULL AND bound_high IS NULL)) THEN 1
            WHEN passed AND (value <= bound_low OR value >= bound_high) THEN 1
            WHEN blocking AND bound_low IS NULL AND bound_high IS NULL THEN 1
            ELSE 0
        END AS is_contradicting
    FROM attribution_trust_{variant}
    WHERE window_start = :window_start
)

SELECT
    COUNT(*) AS n_tests,
    COUNT(CASE WHEN place > 1 THEN 1 END) AS n_repeated,
    COALESCE(SUM(is_unexplained), 0) AS n_unexplained,
    COALESCE(SUM(is_contradicting), 0) AS n_contradicting
FROM tests
