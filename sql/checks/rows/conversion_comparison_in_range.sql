-- Rows of conversion_comparison that are repeated, incomplete or impossible; one row each.
WITH {common_tables}

SELECT
    model,
    segment,
    metric,
    n_sessions,
    n_converted,
    value,
    value_low,
    value_high
FROM placed
WHERE is_repeated = 1 OR is_missing = 1 OR is_out_of_range = 1
ORDER BY model ASC, segment ASC, metric ASC
