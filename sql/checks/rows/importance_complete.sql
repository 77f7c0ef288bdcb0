-- Features that occur twice, or whose effect is none; one row each.
WITH {common_tables}

SELECT feature, value, method, mean_effect, occurrences
FROM judged
WHERE is_repeated + is_wrong > 0
ORDER BY feature ASC, value ASC, method ASC
