-- Pairs of methods that are compared not exactly once, or with figures out of range; one row each.
WITH {common_tables}

SELECT
    granularity,
    method,
    other_method,
    rank_correlation,
    top_five_agreement,
    seconds_per_1000_sessions,
    sessions
FROM judged
WHERE is_not_once = 1 OR is_out_of_range = 1
ORDER BY granularity ASC, method ASC, other_method ASC, rank_correlation ASC
