-- Tests that had to pass, and failed; one row per test.
SELECT granularity, test, method, value, value_low, value_high, bound_low, bound_high, meaning
FROM attribution_trust_{variant}
WHERE window_start = :window_start AND blocking AND NOT passed
ORDER BY granularity ASC, test ASC, method ASC
