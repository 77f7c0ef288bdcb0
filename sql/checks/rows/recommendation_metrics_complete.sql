-- Figures of recommendations that can't be; one row each.
WITH {common_tables}

SELECT method, cutoff, metric, value
FROM judged
WHERE is_repeated + is_out_of_range > 0
ORDER BY method ASC, cutoff ASC, metric ASC
