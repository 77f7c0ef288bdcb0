-- Figures of the comparison that can't be; one row each.
WITH {common_tables}

SELECT option, traits, metric, value
FROM judged
WHERE is_wrong = 1
ORDER BY option ASC, traits ASC, metric ASC
