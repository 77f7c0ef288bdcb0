-- How far attribution methods agree on the same sessions, and what they cost; one row per granularity and pair of methods.
SELECT
    granularity,
    method,
    other_method,
    rank_correlation,
    top_five_agreement,
    seconds_per_1000_sessions,
    sessions,
    n_compared
FROM method_comparison_{variant}_history
WHERE window_start = :window_start
ORDER BY granularity, method, other_method
