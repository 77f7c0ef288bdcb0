-- The trust report: tests of the attribution and of the model behind it; one row per test, granularity and method.
SELECT
    test,
    granularity,
    method,
    value,
    value_low,
    value_high,
    bound_low,
    bound_high,
    passed,
    blocking,
    meaning
FROM attribution_trust_{variant}_history
WHERE window_start = :window_start
ORDER BY blocking DESC NULLS LAST, test, granularity, method
